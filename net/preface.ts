/** What a new connection speaks, told by its first bytes: an HTTP/2 client begins with a fixed text (RFC 9113, section 3.4). */
import type { Socket } from 'node:net'
import type { Scheduler } from '../base/index.ts'

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')
/** No request line of HTTP/1 begins so, and no other protocol either: more is not waited for. */
const telling = preface.subarray(0, 'PRI * HTTP/2.0'.length)

/** Who takes the connection, and how long it may stay silent. */
export interface TellApartOptions {
  readonly scheduler: Scheduler
  readonly timeoutMs: number
  readonly http1: () => void
  readonly http2: () => void
}

/** Hands a connection on as soon as it is known what it speaks, with all its bytes; ends it if it is silent for too long. */
export function tellApart(socket: Socket, { scheduler, timeoutMs, http1, http2 }: TellApartOptions): void {
  const destroy = (): void => void socket.destroy()
  const timer = scheduler.after(timeoutMs, destroy)
  const leave = (): void => {
    timer.cancel()
    socket.off('readable', look)
    socket.off('error', destroy)
    socket.off('end', destroy)
    socket.off('close', leave)
  }
  let bytes: Buffer = Buffer.alloc(0)
  const look = (): void => {
    const more = socket.read() as Buffer | null
    if (more === null) return
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more])
    const known = Math.min(bytes.length, telling.length)
    const mayBe = bytes.subarray(0, known).equals(telling.subarray(0, known))
    if (mayBe && known < telling.length) return
    leave()
    socket.unshift(bytes)
    if (mayBe) http2()
    else http1()
  }
  socket.on('readable', look)
  socket.on('error', destroy)
  socket.on('end', destroy)
  socket.once('close', leave)
}
