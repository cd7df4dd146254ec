/** Hellos for tests. */
import { clientHello, type Hello } from '../../net/index.ts'

/** A member's hello with every field filled. */
export const peer = (name: string, more: Partial<Hello> = {}): Hello => ({
  ...clientHello(name, new Uint8Array(8).fill(name.length)),
  role: 'peer',
  channel: 'control',
  clusterId: new Uint8Array(16).fill(1),
  incarnation: new Uint8Array(16).fill(2),
  address: '127.0.0.1:7401',
  flags: ['a', 'b'],
  extra: Uint8Array.of(1, 2, 3),
  ...more,
})
