import { createCipheriv, createDecipheriv } from "node:crypto";
import { CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";
import type { AEAD } from "hpke";

const algorithm = "chacha20-poly1305";
const tagBytes = 16;

/**
 * ChaCha20-Poly1305 for HPKE from node:crypto. The library's own goes by WebCrypto, where Node still calls this cipher
 * experimental and warns on every run.
 */
const chacha20Poly1305: AEAD = {
  id: 0x0003,
  type: "AEAD",
  name: "ChaCha20Poly1305",
  Nk: 32,
  Nn: 12,
  Nt: tagBytes,
  Seal: async (key, nonce, aad, plaintext) => {
    const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(aad, { plaintextLength: plaintext.length });
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  },
  Open: async (key, nonce, aad, sealed) => {
    if (sealed.length < tagBytes) throw new Error("shorter than a tag");
    const lengthBytes = sealed.length - tagBytes;
    const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(aad, { plaintextLength: lengthBytes });
    decipher.setAuthTag(sealed.subarray(lengthBytes));
    return Buffer.concat([decipher.update(sealed.subarray(0, lengthBytes)), decipher.final()]);
  },
};

/** The one HPKE suite in use: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305 (RFC 9180: 0x0020, 0x0001, 0x0003). */
export const hpkeSuite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, () => chacha20Poly1305);
