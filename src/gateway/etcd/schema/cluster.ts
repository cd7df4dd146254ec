/** Members and maintenance. */
export const clusterMessages = {
  Member: {
    ID: [1, 'uint64'],
    name: [2, 'string'],
    peerURLs: [3, 'string', 'repeated'],
    clientURLs: [4, 'string', 'repeated'],
    isLearner: [5, 'bool'],
  },
  MemberAddRequest: {
    peerURLs: [1, 'string', 'repeated'],
    isLearner: [2, 'bool'],
  },
  MemberAddResponse: {
    header: [1, 'ResponseHeader'],
    member: [2, 'Member'],
    members: [3, 'Member', 'repeated'],
  },
  MemberRemoveRequest: {
    ID: [1, 'uint64'],
  },
  MemberRemoveResponse: {
    header: [1, 'ResponseHeader'],
    members: [2, 'Member', 'repeated'],
  },
  MemberUpdateRequest: {
    ID: [1, 'uint64'],
    peerURLs: [2, 'string', 'repeated'],
  },
  MemberUpdateResponse: {
    header: [1, 'ResponseHeader'],
    members: [2, 'Member', 'repeated'],
  },
  MemberListRequest: {
    linearizable: [1, 'bool'],
  },
  MemberListResponse: {
    header: [1, 'ResponseHeader'],
    members: [2, 'Member', 'repeated'],
  },
  MemberPromoteRequest: {
    ID: [1, 'uint64'],
  },
  MemberPromoteResponse: {
    header: [1, 'ResponseHeader'],
    members: [2, 'Member', 'repeated'],
  },
  AlarmRequest: {
    action: [1, 'AlarmAction'],
    memberID: [2, 'uint64'],
    alarm: [3, 'AlarmType'],
  },
  AlarmMember: {
    memberID: [1, 'uint64'],
    alarm: [2, 'AlarmType'],
  },
  AlarmResponse: {
    header: [1, 'ResponseHeader'],
    alarms: [2, 'AlarmMember', 'repeated'],
  },
  StatusRequest: {},
  StatusResponse: {
    header: [1, 'ResponseHeader'],
    version: [2, 'string'],
    dbSize: [3, 'int64'],
    leader: [4, 'uint64'],
    raftIndex: [5, 'uint64'],
    raftTerm: [6, 'uint64'],
    raftAppliedIndex: [7, 'uint64'],
    errors: [8, 'string', 'repeated'],
    dbSizeInUse: [9, 'int64'],
    isLearner: [10, 'bool'],
  },
  DefragmentRequest: {},
  DefragmentResponse: {
    header: [1, 'ResponseHeader'],
  },
  HashRequest: {},
  HashResponse: {
    header: [1, 'ResponseHeader'],
    hash: [2, 'uint32'],
  },
  HashKVRequest: {
    revision: [1, 'int64'],
  },
  HashKVResponse: {
    header: [1, 'ResponseHeader'],
    hash: [2, 'uint32'],
    compact_revision: [3, 'int64'],
    hash_revision: [4, 'int64'],
  },
  SnapshotRequest: {},
  SnapshotResponse: {
    header: [1, 'ResponseHeader'],
    remaining_bytes: [2, 'uint64'],
    blob: [3, 'bytes'],
    version: [4, 'string'],
  },
  MoveLeaderRequest: {
    targetID: [1, 'uint64'],
  },
  MoveLeaderResponse: {
    header: [1, 'ResponseHeader'],
  },
  HealthCheckRequest: {
    service: [1, 'string'],
  },
  HealthCheckResponse: {
    status: [1, 'ServingStatus'],
  },
} as const

/** Enumerations of them. */
export const clusterEnums = {
  AlarmType: ['NONE', 'NOSPACE', 'CORRUPT'],
  AlarmAction: ['GET', 'ACTIVATE', 'DEACTIVATE'],
  ServingStatus: ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'],
} as const
