import type { ExtendedAttribute } from "./read-extended.ts";

/** Chooses the numbers under which owners are restored. */
export type OwnerMap = { uid(uid: number): number; gid(gid: number): number };

/** The owners that an ACL names. */
export type AclOwners = { readonly uids: readonly number[]; readonly gids: readonly number[] };

/** Version of the attribute's layout; linux/posix_acl_xattr.h. */
const aclVersion = 2;
const headBytes = 4;
const rowBytes = 8;
const userTag = 2;
const groupTag = 8;
const noOwners: AclOwners = { uids: [], gids: [] };

/** Whether an attribute is a POSIX ACL, by its name. */
export function isPosixAcl(name: string): boolean {
  return name === "system.posix_acl_access" || name === "system.posix_acl_default";
}

/** Whether an attribute is an ACL that names its owners in words of its own, which are restored as they are: NFS version 4. */
export function isForeignAcl(name: string): boolean {
  return /^system\.nfs4_(?:acl|dacl|sacl)$/.test(name);
}

/** The users and groups that the POSIX ACLs among attributes name. */
export function aclOwners(attributes: readonly ExtendedAttribute[]): AclOwners {
  if (!attributes.some(([name]) => isPosixAcl(name))) return noOwners;
  const rows = attributes.flatMap(([name, value]) => (isPosixAcl(name) ? (aclRows(value) ?? []) : []));
  return {
    uids: rows.filter(({ tag }) => tag === userTag).map(({ id }) => id),
    gids: rows.filter(({ tag }) => tag === groupTag).map(({ id }) => id),
  };
}

/** Attributes with the users and groups of POSIX ACLs mapped; those that need no change as they are. What is no ACL that we know stays. */
export function mapAcls(attributes: readonly ExtendedAttribute[], owners: OwnerMap): readonly ExtendedAttribute[] {
  if (!attributes.some(([name]) => isPosixAcl(name))) return attributes;
  return attributes.map((attribute): ExtendedAttribute => {
    const [name, value] = attribute;
    const rows = isPosixAcl(name) ? aclRows(value) : undefined;
    const mapped = rows === undefined ? undefined : mapRows(rows, owners);
    return mapped === undefined ? attribute : [name, encodeRows(mapped)];
  });
}

type AclRow = { readonly tag: number; readonly permissions: number; readonly id: number };

function aclRows(value: Uint8Array): AclRow[] | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.byteLength < headBytes || (value.byteLength - headBytes) % rowBytes !== 0) return undefined;
  if (view.getUint32(0, true) !== aclVersion) return undefined;
  const rows: AclRow[] = [];
  for (let at = headBytes; at < value.byteLength; at += rowBytes) {
    const tag = view.getUint16(at, true);
    rows.push({ tag, permissions: view.getUint16(at + 2, true), id: view.getUint32(at + 4, true) });
  }
  return rows;
}

/** Rows in the order that the kernel keeps, by tag and number. Undefined: nothing changes. */
function mapRows(rows: readonly AclRow[], owners: OwnerMap): AclRow[] | undefined {
  let isChanged = false;
  const byOwner = new Map<string, AclRow>();
  for (const row of rows) {
    const id = row.tag === userTag ? owners.uid(row.id) : row.tag === groupTag ? owners.gid(row.id) : row.id;
    isChanged ||= id !== row.id;
    const key = `${row.tag} ${id}`;
    const same = byOwner.get(key);
    // Two owners that are one here may do what both might.
    const permissions = same === undefined ? row.permissions : same.permissions & row.permissions;
    byOwner.set(key, { tag: row.tag, permissions, id });
  }
  if (!isChanged) return undefined;
  return [...byOwner.values()].sort((left, right) => left.tag - right.tag || left.id - right.id);
}

function encodeRows(rows: readonly AclRow[]): Uint8Array {
  const value = new Uint8Array(headBytes + rows.length * rowBytes);
  const view = new DataView(value.buffer);
  view.setUint32(0, aclVersion, true);
  for (const [number, { tag, permissions, id }] of rows.entries()) {
    const at = headBytes + number * rowBytes;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, permissions, true);
    view.setUint32(at + 4, id, true);
  }
  return value;
}
