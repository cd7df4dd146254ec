/** Locks and elections. */
export const concurrencyMessages = {
  LockRequest: {
    name: [1, 'bytes'],
    lease: [2, 'int64'],
  },
  LockResponse: {
    header: [1, 'ResponseHeader'],
    key: [2, 'bytes'],
  },
  UnlockRequest: {
    key: [1, 'bytes'],
  },
  UnlockResponse: {
    header: [1, 'ResponseHeader'],
  },
  LeaderKey: {
    name: [1, 'bytes'],
    key: [2, 'bytes'],
    rev: [3, 'int64'],
    lease: [4, 'int64'],
  },
  CampaignRequest: {
    name: [1, 'bytes'],
    lease: [2, 'int64'],
    value: [3, 'bytes'],
  },
  CampaignResponse: {
    header: [1, 'ResponseHeader'],
    leader: [2, 'LeaderKey'],
  },
  LeaderRequest: {
    name: [1, 'bytes'],
  },
  LeaderResponse: {
    header: [1, 'ResponseHeader'],
    kv: [2, 'KeyValue'],
  },
  ResignRequest: {
    leader: [1, 'LeaderKey'],
  },
  ResignResponse: {
    header: [1, 'ResponseHeader'],
  },
  ProclaimRequest: {
    leader: [1, 'LeaderKey'],
    value: [2, 'bytes'],
  },
  ProclaimResponse: {
    header: [1, 'ResponseHeader'],
  },
} as const
