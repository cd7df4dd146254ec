/**
 * Revisions. An empty etcd is at revision 1 and its first write takes 2; an empty store is at 0 and its first write takes 1.
 * Clients rely on it: revision 0 is "now" in a read and "from now on" in a watch. So every revision that passes the gateway
 * is one more outside than inside; those of keys that are not there are 0 on both sides.
 */

/** The revision outside. */
export function storeToEtcd(revision: number): number {
  return revision + 1
}

/** A revision that was asked for, inside; 0, for none, stays 0. Below the first one there is nothing, and -1 says so. */
export function etcdToStore(revision: number): number {
  return revision === 0 ? 0 : revision - 1
}
