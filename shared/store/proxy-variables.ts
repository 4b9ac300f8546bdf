const names = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] as const;

/** What names proxies in an environment; names in small letters mean the same and go first. */
export type ProxyVariables = Readonly<Partial<Record<(typeof names)[number], string | undefined>>>;

/** The variables of an environment that name proxies. */
export function proxyVariablesOf(variables: Readonly<Record<string, string | undefined>>): ProxyVariables {
  return Object.fromEntries(names.map((name) => [name, variables[name]]));
}

/**
 * Proxy variables as Node's HTTP agents read them (`proxyEnv`), with the meaning that other programs give to them: a name in NO_PROXY
 * stands for the names below it too, and an address may be a network such as `10.0.0.0/8`.
 *
 * @returns undefined when no proxy is named
 */
export function proxyAgentVariables(
  variables: ProxyVariables,
): { readonly HTTP_PROXY?: string; readonly HTTPS_PROXY?: string; readonly NO_PROXY?: string } | undefined {
  const httpProxy = variables.http_proxy || variables.HTTP_PROXY;
  const httpsProxy = variables.https_proxy || variables.HTTPS_PROXY;
  const noProxy = variables.no_proxy || variables.NO_PROXY;
  if (!httpProxy && !httpsProxy) return undefined;
  return {
    ...(httpProxy ? { HTTP_PROXY: withScheme(httpProxy) } : {}),
    ...(httpsProxy ? { HTTPS_PROXY: withScheme(httpsProxy) } : {}),
    ...(noProxy
      ? {
          NO_PROXY: noProxy
            .split(/[\s,]+/)
            .flatMap(formsOf)
            .join(","),
        }
      : {}),
  };
}

/** `proxy:3128` is as common as `http://proxy:3128`. */
function withScheme(address: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`;
}

function formsOf(entry: string): string[] {
  if (entry === "" || entry === "*") return entry === "" ? [] : [entry];
  const network = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(entry);
  if (network !== null) return [rangeOf(network.slice(1).map(Number))];
  const name = entry.toLowerCase().replace(/^\*?\./, "");
  return /^[\d.:[\]-]+$/.test(name) ? [name] : [name, `.${name}`];
}

/** The first and the last address of an IPv4 network. */
function rangeOf([a = 0, b = 0, c = 0, d = 0, bits = 32]: readonly number[]): string {
  const sizeAddresses = 2 ** (32 - Math.min(32, bits));
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = address - (address % sizeAddresses);
  return `${dotted(first)}-${dotted(first + sizeAddresses - 1)}`;
}

function dotted(address: number): string {
  return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(address / unit) % 256).join(".");
}
