/** Whether an address to listen on is reached from this machine only. */
export function isLoopbackAddress(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/**
 * Whether a `Host` header names this machine as itself. A page of another site can make its own name lead to 127.0.0.1 and would then
 * read what is served there: its requests carry that name.
 */
export function isLoopbackHost(header: string | undefined): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[^:]*)(?::\d+)?$/i.exec(header ?? "")?.[1] ?? "";
  const plain = name.toLowerCase().replace(/\.$/, "");
  // RFC 6761, 6.3: these names are of this machine, whatever a server of names says.
  return isLoopbackAddress(plain) || /^(?:[a-z0-9_-]+\.)+localhost$/.test(plain);
}
