/** Users, roles and permissions. */
export const authMessages = {
  Permission: {
    permType: [1, 'PermissionType'],
    key: [2, 'bytes'],
    range_end: [3, 'bytes'],
  },
  UserAddOptions: {
    no_password: [1, 'bool'],
  },
  AuthEnableRequest: {},
  AuthEnableResponse: {
    header: [1, 'ResponseHeader'],
  },
  AuthDisableRequest: {},
  AuthDisableResponse: {
    header: [1, 'ResponseHeader'],
  },
  AuthStatusRequest: {},
  AuthStatusResponse: {
    header: [1, 'ResponseHeader'],
    enabled: [2, 'bool'],
    authRevision: [3, 'uint64'],
  },
  AuthenticateRequest: {
    name: [1, 'string'],
    password: [2, 'string'],
  },
  AuthenticateResponse: {
    header: [1, 'ResponseHeader'],
    token: [2, 'string'],
  },
  AuthUserAddRequest: {
    name: [1, 'string'],
    password: [2, 'string'],
    options: [3, 'UserAddOptions'],
    hashedPassword: [4, 'string'],
  },
  AuthUserAddResponse: {
    header: [1, 'ResponseHeader'],
  },
  AuthUserGetRequest: {
    name: [1, 'string'],
  },
  AuthUserGetResponse: {
    header: [1, 'ResponseHeader'],
    roles: [2, 'string', 'repeated'],
  },
  AuthUserListRequest: {},
  AuthUserListResponse: {
    header: [1, 'ResponseHeader'],
    users: [2, 'string', 'repeated'],
  },
  AuthUserDeleteRequest: {
    name: [1, 'string'],
  },
  AuthUserDeleteResponse: {
    header: [1, 'ResponseHeader'],
  },
  AuthUserChangePasswordRequest: {
    name: [1, 'string'],
    password: [2, 'string'],
    hashedPassword: [3, 'string'],
  },
  AuthUserChangePasswordResponse: {
    header: [1, 'ResponseHeader'],
  },
  AuthUserGrantRoleRequest: {
    user: [1, 'string'],
    role: [2, 'string'],
  },
  AuthUserGrantRoleResponse: {
    header: [1, 'ResponseHeader'],
  },
  AuthUserRevokeRoleRequest: {
    name: [1, 'string'],
    role: [2, 'string'],
  },
  AuthUserRevokeRoleResponse: {
    header: [1, 'ResponseHeader'],
  },
  AuthRoleAddRequest: {
    name: [1, 'string'],
  },
  AuthRoleAddResponse: {
    header: [1, 'ResponseHeader'],
  },
  AuthRoleGetRequest: {
    role: [1, 'string'],
  },
  AuthRoleGetResponse: {
    header: [1, 'ResponseHeader'],
    perm: [2, 'Permission', 'repeated'],
  },
  AuthRoleListRequest: {},
  AuthRoleListResponse: {
    header: [1, 'ResponseHeader'],
    roles: [2, 'string', 'repeated'],
  },
  AuthRoleDeleteRequest: {
    role: [1, 'string'],
  },
  AuthRoleDeleteResponse: {
    header: [1, 'ResponseHeader'],
  },
  AuthRoleGrantPermissionRequest: {
    name: [1, 'string'],
    perm: [2, 'Permission'],
  },
  AuthRoleGrantPermissionResponse: {
    header: [1, 'ResponseHeader'],
  },
  AuthRoleRevokePermissionRequest: {
    role: [1, 'string'],
    key: [2, 'bytes'],
    range_end: [3, 'bytes'],
  },
  AuthRoleRevokePermissionResponse: {
    header: [1, 'ResponseHeader'],
  },
} as const

/** Enumerations of them. */
export const authEnums = {
  PermissionType: ['READ', 'WRITE', 'READWRITE'],
} as const
