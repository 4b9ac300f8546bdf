import { constants } from "node:fs";
import { createRequire } from "node:module";
import { endianness } from "node:os";
import type koffiModule from "koffi";
import type { LibraryHandle } from "koffi";
import { HoldfastError } from "#shared/errors.ts";
import { loadNativeCode } from "#shared/work/native-code.ts";

/** `AT_FDCWD`: the `directoryFd` that makes a path relative to the working directory (or absolute). */
export const workingDirectory = -100;

/** The longest path, in bytes without the final NUL, that Linux takes in one call (`PATH_MAX - 1`). */
export const longestPathBytes = 4095;

/** Bytes of `Libc.data`: one reading of a directory, or the names and one value of extended attributes. */
export const dataBytes = 256 * 1024;

const pathOffset = 0;
const otherPathOffset = 4352;
const nameOffset = 8704;
const fieldsOffset = 9216;
const dataOffset = 16_384;

/** A Buffer with the methods that `write` and `toString` come down to for latin1; its declared type lacks them. */
export type LatinBuffer = Buffer & {
  latin1Write(text: string, offset: number): number;
  latin1Slice(start: number, end: number): string;
};

/** Addresses are plain numbers: user space of the supported machines lies below 2^53. */
export type Address = number;

/**
 * The calls of the C library that Node does not offer, and one scratch memory of this thread that they read and write.
 *
 * Every call is synchronous and returns what C returns; after -1, `errno()` has the number. The scratch memory is valid
 * until the next call of anything in this folder. A call through here costs about 20 ns beyond the kernel's own time.
 */
export type Libc = {
  readonly errno: () => number;
  /** Ends the process without another instruction of it. */
  readonly exit: (exitCode: number) => void;
  /** Asks for a signal when the parent of this process ends. */
  readonly setParentDeathSignal: (signal: number) => number;
  readonly statx: (directoryFd: number, path: Address, flags: number, mask: number, out: Address) => number;
  readonly openat: (directoryFd: number, path: Address, flags: number, mode: number) => number;
  /** @param how - `struct open_how` */
  readonly openat2: (directoryFd: number, path: Address, how: Address, howBytes: number) => number;
  readonly close: (fd: number) => number;
  readonly read: (fd: number, into: Uint8Array, length: number) => number;
  readonly pread: (fd: number, into: Uint8Array, length: number, offset: number) => number;
  readonly pwrite: (fd: number, from: Uint8Array, length: number, offset: number) => number;
  readonly ftruncate: (fd: number, size: number) => number;
  readonly lseek: (fd: number, offset: number, whence: number) => number;
  readonly getdents: (fd: number, out: Address, length: number) => number;
  readonly readlinkat: (directoryFd: number, path: Address, out: Address, length: number) => number;
  readonly flock: (fd: number, operation: number) => number;
  readonly ioctl: (fd: number, request: number, argument: Address) => number;
  /** In a thread of its own, for it may take minutes. `done` is told what C returns. */
  readonly syncfs: (fd: number, done: (error: unknown, result: number) => void) => void;
  readonly fchown: (fd: number, uid: number, gid: number) => number;
  readonly fchownat: (directoryFd: number, path: Address, uid: number, gid: number, flags: number) => number;
  readonly fchmod: (fd: number, mode: number) => number;
  readonly fchmodat: (directoryFd: number, path: Address, mode: number, flags: number) => number;
  readonly futimens: (fd: number, times: Address) => number;
  readonly utimensat: (directoryFd: number, path: Address, times: Address, flags: number) => number;
  readonly mkdirat: (directoryFd: number, path: Address, mode: number) => number;
  readonly mknodat: (directoryFd: number, path: Address, mode: number, device: number | bigint) => number;
  readonly symlinkat: (target: Address, directoryFd: number, path: Address) => number;
  readonly linkat: (fromFd: number, from: Address, toFd: number, to: Address, flags: number) => number;
  readonly unlinkat: (directoryFd: number, path: Address, flags: number) => number;
  readonly renameat: (fromFd: number, from: Address, toFd: number, to: Address) => number;
  readonly llistxattr: (path: Address, out: Address, length: number) => number;
  readonly flistxattr: (fd: number, out: Address, length: number) => number;
  readonly lgetxattr: (path: Address, name: Address, out: Address, length: number) => number;
  readonly fgetxattr: (fd: number, name: Address, out: Address, length: number) => number;
  readonly getxattr: (path: Address, name: Address, out: Address, length: number) => number;
  readonly lsetxattr: (path: Address, name: Address, value: Uint8Array, length: number, flags: number) => number;
  readonly fsetxattr: (fd: number, name: Address, value: Uint8Array, length: number, flags: number) => number;
  readonly lremovexattr: (path: Address, name: Address) => number;
  readonly fremovexattr: (fd: number, name: Address) => number;
  readonly getpwuid: (uid: number, record: Address, text: Address, length: number, result: Address) => number;
  readonly getpwnam: (name: Address, record: Address, text: Address, length: number, result: Address) => number;
  readonly getgrgid: (gid: number, record: Address, text: Address, length: number, result: Address) => number;
  readonly getgrnam: (name: Address, record: Address, text: Address, length: number, result: Address) => number;

  /** Puts a path, NUL-terminated, where calls can read it. @throws {HoldfastError} invalid: a NUL in it, or too long */
  putPath(path: string): Address;
  /** As `putPath`, in a second place, for calls that take two paths. */
  putOtherPath(path: string): Address;
  /** Puts the name of an extended attribute (at most 255 bytes) or of an owner. */
  putName(name: string): Address;
  /** Where bytes lie that stay there: memory of WASM, or of a Buffer of its own. */
  readonly addressOf: (bytes: Uint8Array) => Address;
  /** 256 bytes for records of fixed layout: `statx`, times, flags. */
  readonly fields: Address;
  readonly fieldsU32: Uint32Array;
  readonly fieldsI32: Int32Array;
  readonly fieldsU16: Uint16Array;
  /** `dataBytes` bytes for what has no fixed length. */
  readonly data: Address;
  readonly dataView: LatinBuffer;
  readonly dataU32: Uint32Array;
};

type Loading =
  | { readonly state: "unknown" }
  | { readonly state: "loaded"; readonly libc: Libc }
  | { readonly state: "missing"; readonly why: string };

let loading: Loading = { state: "unknown" };
let current: Libc | undefined;
let asked = false;

/**
 * The C library, or undefined where it cannot be reached: not Linux on x64 or arm64, or koffi is not installed. The
 * first call in a thread loads it (about 10 ms).
 */
export function libc(): Libc | undefined {
  if (!asked) {
    asked = true;
    loading = load();
    current = loading.state === "loaded" ? loading.libc : undefined;
  }
  return current;
}

/** Why `libc()` is undefined, in words; undefined when it is not. */
export function libcMissing(): string | undefined {
  libc();
  return loading.state === "missing" ? loading.why : undefined;
}

/** Makes `libc()` of this thread undefined, as where koffi is not installed, or undoes that. */
export function disableLibc(disabled: boolean): void {
  asked = disabled;
  current = undefined;
  loading = disabled ? { state: "missing", why: "it is switched off" } : { state: "unknown" };
}

function load(): Loading {
  if (process.platform !== "linux") return { state: "missing", why: `there is no binding for ${process.platform}` };
  if ((process.arch !== "x64" && process.arch !== "arm64") || endianness() !== "LE") {
    return { state: "missing", why: `there is no binding for ${process.arch}` };
  }
  try {
    return { state: "loaded", libc: loadNativeCode(bind) };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return { state: "missing", why: `the package koffi could not be used: ${why}` };
  }
}

type Koffi = typeof koffiModule;

function bind(): Libc {
  const koffi = createRequire(import.meta.url)("koffi") as Koffi;
  const library = openLibrary(koffi);
  const scratchBytes = dataOffset + dataBytes;
  const pointer: unknown = koffi.alloc("uint8", scratchBytes);
  if (typeof pointer !== "bigint") throw new TypeError("koffi gave no address");
  const base = Number(pointer);
  const memory = koffi.view(pointer, scratchBytes);
  const bytes = Buffer.from(memory) as LatinBuffer;

  const memcpy = library.func("memcpy", "int64", ["void *", "void *", "size_t"]);

  const put = (offset: number, room: number, text: string): Address => {
    if (text.length >= room || text.includes("\0")) refuse(text, room);
    bytes[offset + bytes.latin1Write(text, offset)] = 0;
    return base + offset;
  };

  return {
    errno: () => koffi.errno(),
    ...bindCalls(library),
    putPath: (path) => put(pathOffset, longestPathBytes + 1, path),
    putOtherPath: (path) => put(otherPathOffset, longestPathBytes + 1, path),
    putName: (name) => put(nameOffset, fieldsOffset - nameOffset, name),
    // Copies nothing, and returns where to.
    addressOf: (memory) => memcpy(memory, memory, 0),
    fields: base + fieldsOffset,
    fieldsU32: new Uint32Array(memory, fieldsOffset, 64),
    fieldsI32: new Int32Array(memory, fieldsOffset, 64),
    fieldsU16: new Uint16Array(memory, fieldsOffset, 128),
    data: base + dataOffset,
    dataView: Buffer.from(memory, dataOffset, dataBytes) as LatinBuffer,
    dataU32: new Uint32Array(memory, dataOffset, dataBytes / 4),
  };
}

function refuse(text: string, room: number): never {
  throw new HoldfastError(
    "invalid",
    text.includes("\0")
      ? "Cannot use a name: it holds a NUL byte"
      : `Cannot use a name of ${text.length} bytes: the system takes at most ${room - 1}`,
  );
}

function openLibrary(koffi: Koffi): LibraryHandle {
  const arch = process.arch === "x64" ? "x86_64" : "aarch64";
  for (const name of ["libc.so.6", `libc.musl-${arch}.so.1`, `ld-musl-${arch}.so.1`]) {
    try {
      return koffi.load(name);
    } catch {
      // The next name is that of another C library.
    }
  }
  return koffi.load(null);
}

type Calls = Pick<
  Libc,
  Exclude<keyof Libc, "errno" | "addressOf" | `put${string}` | `fields${string}` | `data${string}`>
>;

/** `openat2`, which C libraries do not have, by its number, which is the same on all machines. */
function bindOpenat2(library: LibraryHandle): Calls["openat2"] {
  const syscall = library.func("syscall", "int64", ["int64", "int64", "int64", "int64", "size_t"]);
  return (directoryFd, path, how, howBytes) => syscall(437, directoryFd, path, how, howBytes) as number;
}

/** `prctl` with `PR_SET_PDEATHSIG`. */
function bindParentDeathSignal(library: LibraryHandle): Calls["setParentDeathSignal"] {
  const prctl = library.func("prctl", "int", ["int", "ulong", "ulong", "ulong", "ulong"]);
  return (signal) => prctl(1, signal, 0, 0, 0) as number;
}

function bindCalls(library: LibraryHandle): Calls {
  // Addresses cross as int64: koffi converts a number in a few ns, a typed array in a few tens.
  const at = "int64";
  const bind = (names: readonly string[], result: string, parameters: string[]) => {
    for (const name of names.slice(0, -1)) {
      try {
        return library.func(name, result, parameters);
      } catch {
        // Another C library names it otherwise.
      }
    }
    return library.func(names.at(-1) ?? "", result, parameters);
  };
  const call = (name: string, result: string, ...parameters: string[]) => bind([name], result, parameters);
  const syncfs = library.func("syncfs", "int", ["int"]);
  return {
    exit: call("_exit", "void", "int"),
    setParentDeathSignal: bindParentDeathSignal(library),
    statx: bindStatx(library),
    openat: call("openat", "int", "int", at, "int", "uint"),
    openat2: bindOpenat2(library),
    close: call("close", "int", "int"),
    read: call("read", "int64", "int", "void *", "size_t"),
    pread: bind(["pread64", "pread"], "int64", ["int", "void *", "size_t", "int64"]),
    pwrite: bind(["pwrite64", "pwrite"], "int64", ["int", "void *", "size_t", "int64"]),
    ftruncate: bind(["ftruncate64", "ftruncate"], "int", ["int", "int64"]),
    lseek: bind(["lseek64", "lseek"], "int64", ["int", "int64", "int"]),
    getdents: bind(["getdents64", "getdents"], "int64", ["int", at, "size_t"]),
    readlinkat: call("readlinkat", "int64", "int", at, at, "size_t"),
    flock: call("flock", "int", "int", "int"),
    ioctl: call("ioctl", "int", "int", "ulong", at),
    syncfs: (fd, done) => void syncfs.async(fd, done),
    fchown: call("fchown", "int", "int", "uint", "uint"),
    fchownat: call("fchownat", "int", "int", at, "uint", "uint", "int"),
    fchmod: call("fchmod", "int", "int", "uint"),
    fchmodat: call("fchmodat", "int", "int", at, "uint", "int"),
    futimens: call("futimens", "int", "int", at),
    utimensat: call("utimensat", "int", "int", at, at, "int"),
    mkdirat: call("mkdirat", "int", "int", at, "uint"),
    mknodat: bindMknodat(library),
    symlinkat: call("symlinkat", "int", at, "int", at),
    linkat: call("linkat", "int", "int", at, "int", at, "int"),
    unlinkat: call("unlinkat", "int", "int", at, "int"),
    renameat: call("renameat", "int", "int", at, "int", at),
    llistxattr: call("llistxattr", "int64", at, at, "size_t"),
    flistxattr: call("flistxattr", "int64", "int", at, "size_t"),
    lgetxattr: call("lgetxattr", "int64", at, at, at, "size_t"),
    fgetxattr: call("fgetxattr", "int64", "int", at, at, "size_t"),
    getxattr: call("getxattr", "int64", at, at, at, "size_t"),
    lsetxattr: call("lsetxattr", "int", at, at, "void *", "size_t", "int"),
    fsetxattr: call("fsetxattr", "int", "int", at, "void *", "size_t", "int"),
    lremovexattr: call("lremovexattr", "int", at, at),
    fremovexattr: call("fremovexattr", "int", "int", at),
    getpwuid: call("getpwuid_r", "int", "uint", at, at, "size_t", at),
    getpwnam: call("getpwnam_r", "int", at, at, at, "size_t", at),
    getgrgid: call("getgrgid_r", "int", "uint", at, at, "size_t", at),
    getgrnam: call("getgrnam_r", "int", at, at, at, "size_t", at),
  };
}

/** musl has `statx` from 1.2.5, glibc from 2.28: before, the system call itself. */
function bindStatx(library: LibraryHandle): Libc["statx"] {
  const parameters = ["int", "int64", "int", "uint", "int64"];
  try {
    return library.func("statx", "int", parameters);
  } catch {
    const number = process.arch === "x64" ? 332 : 291;
    const syscall = library.func("syscall", "long", ["long", ...parameters]);
    return (directoryFd, path, flags, mask, out) => syscall(number, directoryFd, path, flags, mask, out);
  }
}

/** glibc has `mknodat` as a symbol from 2.33: before, the system call itself. */
function bindMknodat(library: LibraryHandle): Libc["mknodat"] {
  const parameters = ["int", "int64", "uint", "uint64"];
  try {
    return library.func("mknodat", "int", parameters);
  } catch {
    const number = process.arch === "x64" ? 259 : 33;
    const syscall = library.func("syscall", "long", ["long", ...parameters]);
    return (directoryFd, path, mode, device) => syscall(number, directoryFd, path, mode, device);
  }
}

/** `O_PATH` of Linux, which Node's constants lack: a handle on a place without opening what is there. */
export const openPath = 0o10000000;

/** `O_CLOEXEC` of Linux, which Node's constants lack. */
export const openCloseOnExec = 0o2000000;

/** How a directory is opened to work below it: never through a symlink. */
export const openDirectoryHandle = openPath | openCloseOnExec | constants.O_DIRECTORY | constants.O_NOFOLLOW;
