/** HTTP/1, links and HTTP/2 come to one port and are told apart by their first bytes, however these are cut. */
import { once } from 'node:events'
import { connect as connectHttp2, createServer } from 'node:http2'
import type { Http2Server } from 'node:http2'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemScheduler } from '../../base/index.ts'
import { parseAddress, wsTransport } from '../../net/index.ts'
import type { Listener } from '../../net/index.ts'

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const headersTimeoutMs = 150

describe('a port for several protocols', () => {
  let listener: Listener
  let http2: Http2Server
  let handed: Socket[]
  const open: Socket[] = []

  beforeEach(async () => {
    handed = []
    http2 = createServer((request, response) => response.end(`second ${request.url}`))
    const transport = wsTransport({
      scheduler: systemScheduler,
      headersTimeoutMs,
      http: (request, response) => response.end(`first ${request.url}`),
      http2: (socket) => {
        handed.push(socket)
        http2.emit('connection', socket)
      },
    })
    listener = await transport.listen('127.0.0.1:0', () => {})
  })
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.destroy()
    await listener.close()
  })

  async function dial(): Promise<Socket> {
    const { host, port } = parseAddress(listener.address)
    const socket = connect({ host, port, noDelay: true })
    socket.on('error', () => {})
    open.push(socket)
    await once(socket, 'connect')
    return socket
  }

  /** Writes text in two segments, cut after `at` bytes. */
  async function writeCut(socket: Socket, text: string, at: number): Promise<void> {
    await new Promise<void>((resolve) => socket.write(text.slice(0, at), () => setImmediate(resolve)))
    socket.write(text.slice(at))
  }

  test('a request of HTTP/2 is answered by the server that connections are handed to', async () => {
    const session = connectHttp2(`http://${listener.address}`)
    const stream = session.request({ ':path': '/here' })
    const [body] = (await once(stream.setEncoding('utf8'), 'data')) as [string]
    session.destroy()
    expect(body).toBe('second /here')
  })

  test('a preface is known wherever it is cut', async () => {
    for (let at = 1; at < preface.length; at++) {
      const socket = await dial()
      await writeCut(socket, preface, at)
      // Settings come first in every connection of HTTP/2: a frame of kind 4.
      const [bytes] = (await once(socket, 'data')) as [Buffer]
      expect(bytes[3]).toBe(4)
      socket.destroy()
    }
    expect(handed).toHaveLength(preface.length - 1)
  })

  test('a request of HTTP/1 is known wherever it is cut, also one that begins as the preface does', async () => {
    for (const text of [
      'GET /a HTTP/1.1\r\nHost: x\r\n\r\n',
      'PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
    ]) {
      for (const at of [1, 2, 3, 10, text.length - 1]) {
        const socket = await dial()
        await writeCut(socket, text, at)
        const [bytes] = (await once(socket, 'data')) as [Buffer]
        expect(bytes.toString('latin1')).toContain('HTTP/1.1 200 OK')
        socket.destroy()
      }
    }
    expect(handed).toEqual([])
  })

  test('a connection that says nothing, or only half a preface, is closed when its time is over', async () => {
    const [silent, half] = [await dial(), await dial()]
    half.write('PRI * HT')
    await Promise.all([once(silent, 'close'), once(half, 'close')])
    expect(handed).toEqual([])
  })

  test('a connection of HTTP/2 ends when its other end has said its last', async () => {
    const socket = await dial()
    socket.end(preface)
    socket.resume()
    await once(socket, 'close')
    expect(handed.every((one) => one.destroyed)).toBe(true)
  })

  test('closing the port ends connections that were handed on', async () => {
    const socket = await dial()
    socket.write(preface)
    await once(socket, 'data')
    const ended = once(socket, 'close')
    await listener.close()
    await ended
    expect(socket.destroyed).toBe(true)
  })
})

test('without anybody to hand them to, connections of HTTP/2 are closed', async () => {
  const listener = await wsTransport({ scheduler: systemScheduler }).listen('127.0.0.1:0', () => {})
  const { host, port } = parseAddress(listener.address)
  const socket = connect(port, host)
  socket.on('error', () => {})
  socket.write(preface)
  await once(socket, 'close')
  expect(socket.bytesRead).toBe(0)
  await listener.close()
})
