/**
 * How much of users and roles there may be. They are no limits of the machine that a cluster can set: those are compared when
 * members meet, and a new one would keep two releases apart.
 */
export const authLimits = {
  users: 10_000,
  roles: 10_000,
  rolesOfUser: 1_000,
  permissionsOfRole: 1_000,
  /** Longest name of a user or role. */
  nameBytes: 256,
  /** Longest credential. */
  credentialBytes: 1_024,
} as const
