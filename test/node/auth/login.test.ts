import { expect, test } from 'vitest'
import { ByteWriter } from '../../../base/index.ts'
import { anonymous, encodeCommand } from '../../../execution/index.ts'
import type { Caller } from '../../../execution/index.ts'
import { ConnectionLogin } from '../../../src/node/auth/login.ts'
import type { LocalAuth } from '../../../src/node/auth/node-auth.ts'

const put = (caller?: Caller): Uint8Array => {
  const writer = new ByteWriter()
  encodeCommand(writer, { caller, program: 'kv', method: 'put', args: Uint8Array.of(1, 97) })
  return writer.take()
}

test('a connection takes commands for its own user only, never for the owner, and never from the future', () => {
  const login = new ConnectionLogin({ enabled: false } as LocalAuth)
  const refused = (caller?: Caller) => login.refusal(put(caller))?.code
  expect([refused(), refused(anonymous), refused('owner'), refused({ user: 'ada', authRevision: 1 })]).toEqual([
    ...[undefined, undefined, 'InvalidAuthToken', 'InvalidAuthToken'],
  ])
  login.principal = { user: 'ada', authRevision: 7 }
  expect([7, 6, 8].map((authRevision) => refused({ user: 'ada', authRevision }))).toEqual([
    ...[undefined, undefined, 'Unavailable'],
  ])
  expect([refused('owner'), refused({ user: 'root', authRevision: 7 })]).toEqual(Array(2).fill('InvalidAuthToken'))
  expect(login.refusal(Uint8Array.of(2, 200))?.code).toBe('MalformedFrame')
})
