import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { storeOf } from "#shared/view/view.testing.ts";
import { mountOf, serveSmall } from "./small-gateway.testing.ts";

const canTry = spawnSync("openssl", ["version"]).status === 0 && spawnSync("curl", ["--version"]).status === 0;

test.runIf(canTry)("TLS is spoken with the certificate given, and curl trusts it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-tls-"));
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const made = spawnSync(
    "openssl",
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${key} -out ${cert} -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1`.split(
      " ",
    ),
  );
  expect(made.status).toBe(0);
  const small = await serveSmall(await mountOf(await storeOf([{ path: "a", content: "over TLS" }])), {
    tls: { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") },
  });
  expect(small.url).toMatch(/^https:/);
  const curl = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)("curl", ["-sS", "-m", "10", "--cacert", cert, ...args])).stdout;
  expect(await curl(`${small.url}/scripted/a`)).toBe("over TLS");
  expect(await curl("-r", "5-", `${small.url}/scripted/a`)).toBe("TLS");
  expect(await curl("-I", `${small.url}/scripted/a`)).toMatch(/content-length: 8\r\n/i);
  await small.gateway.close(0);
  rmSync(directory, { recursive: true });
});
