/** The Admin interface over calls. What a node answers is checked: a client may be older or newer than the node. */
import { NitroError } from '../../base/index.ts'
import type { Admin, HashInfo, MemberInfo, NodeStatus, RequestOptions } from '../api/index.ts'
import type { CallParams, CallValue } from '../wire/index.ts'
import type { Calls } from './calls.ts'

/** Opens the stream of a method. */
export type OpenStream = (
  method: string,
  params: CallParams,
  options: RequestOptions | undefined,
) => AsyncIterable<Uint8Array>

/** Makes the Admin of a client. */
export function createAdmin(calls: Calls, openStream: OpenStream): Admin {
  const change = async (method: string, params: CallParams, options: RequestOptions | undefined): Promise<CallValue> =>
    calls.change(method, params, options)
  return {
    async status(options) {
      return checked<NodeStatus>(await calls.read('status', {}, options), statusFields)
    },
    async members(options) {
      const members = await calls.read('members', {}, options)
      if (!Array.isArray(members)) throw malformed('members')
      return members.map(memberOf)
    },
    async addMember(name, address, options) {
      await change(
        'addMember',
        options?.learner === true ? { name, address, target: 'learner' } : { name, address },
        options,
      )
    },
    async promoteMember(name, options) {
      await change('promoteMember', { name }, options)
    },
    async updateMember(name, address, options) {
      await change('updateMember', { name, address }, options)
    },
    async removeMember(name, options) {
      await change('removeMember', { name }, options)
    },
    async replaceMember(name, address, options) {
      await change('replaceMember', address === undefined ? { name } : { name, address }, options)
    },
    async transferLeadership(to, options) {
      const leader = await change('transferLeadership', to === undefined ? {} : { to }, options)
      if (typeof leader !== 'string') throw malformed('transferLeadership')
      return leader
    },
    async hash(options) {
      return checked<HashInfo>(await calls.read('hash', {}, options), hashFields)
    },
    snapshot: (options) => openStream('snapshot', {}, options),
  }
}

type FieldType = 'string' | 'number' | 'boolean' | 'object'
type Fields<T> = { readonly [K in keyof T]-?: FieldType }

const statusFields: Fields<NodeStatus> = {
  name: 'string',
  id: 'number',
  role: 'string',
  version: 'string',
  clusterId: 'string',
  incarnation: 'string',
  address: 'string',
  term: 'number',
  leader: 'string',
  commitIndex: 'number',
  appliedIndex: 'number',
  durableAppliedIndex: 'number',
  firstIndex: 'number',
  lastIndex: 'number',
  revision: 'number',
  keys: 'number',
  sessions: 'number',
  active: 'object',
  offered: 'object',
  stateHash: 'string',
  logBytes: 'number',
  lateMs: 'number',
  worstLateMs: 'number',
  uptimeMs: 'number',
  ready: 'boolean',
  waiting: 'string',
}

const hashFields: Fields<HashInfo> = { name: 'string', index: 'number', revision: 'number', hash: 'string' }

const memberFields: Fields<Omit<MemberInfo, 'match'>> = {
  name: 'string',
  id: 'number',
  address: 'string',
  incarnation: 'string',
  role: 'string',
  connected: 'boolean',
  leader: 'boolean',
}

function memberOf(value: CallValue): MemberInfo {
  const { match } = checked<MemberInfo & { match?: CallValue }>(value, memberFields)
  if (match !== null && match !== undefined && typeof match !== 'number') throw malformed('match')
  return { ...checked<MemberInfo>(value, memberFields), match: match ?? undefined }
}

function checked<T>(value: CallValue, fields: { readonly [key: string]: FieldType }): T {
  if (typeof value !== 'object' || value === null) throw malformed('answer')
  const record = value as { readonly [key: string]: CallValue }
  for (const [field, type] of Object.entries(fields)) {
    if (typeof record[field] !== type) throw malformed(field)
  }
  return record as T
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `the node's answer has no valid ${what}`)
}
