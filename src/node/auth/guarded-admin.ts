/** Operations on the cluster for somebody who must be root for most of them. */
import type { Admin } from '../../api/index.ts'

/** Calls that anybody may make, as in etcd. A process that wants to join is judged by its place, see `AdminService`. */
const openCalls: ReadonlySet<string> = new Set(['status', 'members', 'join'])

/** Whether a call needs root while permissions are in force. */
export function needsRoot(method: string): boolean {
  return !openCalls.has(method)
}

/** The same operations, with `check` before those that need root; it throws. */
export function guardedAdmin(admin: Admin, check: () => void): Admin {
  const guarded = <T>(work: () => Promise<T>): Promise<T> => {
    try {
      check()
      return work()
    } catch (error) {
      return Promise.reject(error)
    }
  }
  return {
    status: (options) => admin.status(options),
    members: (options) => admin.members(options),
    addMember: (...args) => guarded(() => admin.addMember(...args)),
    promoteMember: (...args) => guarded(() => admin.promoteMember(...args)),
    updateMember: (...args) => guarded(() => admin.updateMember(...args)),
    removeMember: (...args) => guarded(() => admin.removeMember(...args)),
    replaceMember: (...args) => guarded(() => admin.replaceMember(...args)),
    transferLeadership: (...args) => guarded(() => admin.transferLeadership(...args)),
    hash: (options) => guarded(() => admin.hash(options)),
    async *snapshot(options) {
      check()
      yield* admin.snapshot(options)
    },
  }
}
