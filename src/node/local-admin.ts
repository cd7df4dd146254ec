/** The Admin interface of a node in this process. */
import { NitroError } from '../../base/index.ts'
import type { Admin, RequestOptions } from '../api/index.ts'
import type { CallParams, CallValue } from '../wire/index.ts'
import type { AdminService } from './admin-service.ts'

/** An {@link Admin} that asks `service` directly; changes still go through the leader. */
export function localAdmin(service: AdminService): Admin {
  const change = async (method: string, params: CallParams, options?: RequestOptions): Promise<CallValue> => {
    options?.signal?.throwIfAborted()
    const { timeoutMs } = options ?? {}
    return service.call(method, timeoutMs === undefined ? params : { ...params, timeoutMs })
  }
  return {
    status: () => Promise.resolve(service.status()),
    members: () => settle(() => service.members()),
    hash: () => service.hash(),
    addMember: async (name, address, options) => {
      const target = options?.learner === true ? 'learner' : 'voter'
      await change('addMember', { name, address, target }, options)
    },
    promoteMember: async (name, options) => void (await change('promoteMember', { name }, options)),
    updateMember: async (name, address, options) => void (await change('updateMember', { name, address }, options)),
    removeMember: async (name, options) => void (await change('removeMember', { name }, options)),
    replaceMember: async (name, address, options) => void (await change('replaceMember', { name, address }, options)),
    transferLeadership: async (to, options) => {
      const leader = await change('transferLeadership', { to }, options)
      if (typeof leader !== 'string') throw new NitroError('MalformedFrame', 'the leader gave no name')
      return leader
    },
    snapshot: () => service.snapshot(),
  }
}

function settle<T>(get: () => T): Promise<T> {
  return new Promise((resolve) => resolve(get()))
}
