/** Nodes that belong elsewhere: another cluster, another directory, no cluster at all. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { NitroError, isNitroError, systemRandom, systemScheduler } from '../../../base/index.ts'
import { clientHello, connectSession, wsTransport } from '../../../net/index.ts'
import type { Hello } from '../../../net/index.ts'
import { connect } from '../../../src/client/index.ts'
import { Cluster, expect, until } from '../harness/index.ts'
import type { Scene } from '../harness/index.ts'

const names = ['n1', 'n2', 'n3']

/** Runs the part. */
export async function strangers({ report, directory }: Scene): Promise<void> {
  report.section('nodes and clients that belong to another cluster')
  const ours = await Cluster.make({ directory: join(directory, 'ours'), founders: names, others: ['n0'] })
  const theirs = await Cluster.make({ directory: join(directory, 'theirs'), founders: names })
  try {
    await Promise.all([ours.startWhole(names), theirs.startWhole(names)])
    const status = await ours.status('n2')
    const foreign = await theirs.status('n1')
    const real = await helloOf(ours.at('n1').address)
    const peer = (facts: Partial<Hello>): Hello => ({
      ...clientHello('n2', systemRandom.bytes(16)),
      ...{ flags: real.flags, extra: real.extra },
      ...{ role: 'peer', channel: 'control', incarnation: systemRandom.bytes(16) },
      ...facts,
    })
    const hellos: readonly (readonly [who: string, hello: Hello, code: string])[] = [
      ['of another cluster', peer({ clusterId: unhex(foreign?.clusterId) }), 'WrongCluster'],
      ['with the name of the node itself', peer({ name: 'n1', clusterId: unhex(status?.clusterId) }), 'DuplicateName'],
      [
        'with the name of a member and another directory',
        peer({ clusterId: unhex(status?.clusterId) }),
        'IdentityLost',
      ],
      ['with a name nobody has', peer({ name: 'n9' }), 'MemberUnknown'],
      ['with other limits of the machine', peer({ flags: ['another machine'] }), 'UnsupportedVersion'],
      ['of a later protocol', peer({ protocolMin: 9, protocolMax: 9 }), 'UnsupportedVersion'],
    ]
    for (const [who, hello, code] of hellos) {
      await report.check(`a peer ${who} is refused with ${code}`, async () => {
        const error = await refusal(ours.at('n1').address, hello)
        expect(error?.code === code, `refused with ${error?.code}: ${error?.message}`)
        return error?.message ?? ''
      })
    }
    await report.check(
      'directories of two clusters mixed up: both go on without the third, nobody mixes data',
      async () => {
        const mine = await ours.client(['n1', 'n2'])
        const other = await theirs.client(['n1', 'n2'])
        await mine.store.put('whose', 'ours')
        await other.store.put('whose', 'theirs')
        await ours.server('n3').stop()
        await theirs.server('n3').stop()
        cpSync(theirs.at('n3').dataDir, join(directory, 'mixed'), { recursive: true })
        const aside = ours.setAside('n3')
        cpSync(join(directory, 'mixed'), ours.at('n3').dataDir, { recursive: true })
        ours.start('n3')
        const said = await until(
          'n1 refuses the stranger',
          () => /WrongCluster[^"]*","reason":"([^"]*)/.exec(ours.server('n1').stderr)?.[1],
        )
        await mine.store.put('whose', 'still ours')
        const lone = await connect({ endpoints: ours.endpoints(['n3']), followLeader: false })
        const mixed = await lone.admin.status()
        await lone.close()
        await ours.server('n3').stop()
        ours.wipe('n3')
        cpSync(aside, ours.at('n3').dataDir, { recursive: true })
        ours.start('n3')
        theirs.start('n3')
        await Promise.all([ours.whole(names), theirs.whole(names)])
        expect(!mixed.ready && mixed.leader === '', `n3 with the other directory followed ${mixed.leader}`)
        expect((await ours.contents('n3', 'linearizable')).get('whose') === 'still ours', 'ours has another value')
        expect((await theirs.contents('n3', 'linearizable')).get('whose') === 'theirs', 'theirs has another value')
        return said
      },
    )
    await report.check('an empty node that lists members of a running cluster as its peers forms nothing', async () => {
      const stranger = await Cluster.make({ directory: join(directory, 'stranger'), founders: ['n0'] })
      const peers = `n0=${stranger.at('n0').address},n1=${ours.at('n1').address},n2=${ours.at('n2').address}`
      const mixed = await Cluster.make({
        directory: join(directory, 'stranger'),
        founders: ['n0'],
        args: ['--peers', peers],
      })
      const server = mixed.start('n0')
      try {
        const said = await server.wrote(/MemberUnknown|IdentityLost/)
        expect(!/"cluster formed"/.test(server.stderr), 'it formed a cluster')
        return said
      } finally {
        await mixed.close()
      }
    })
    await report.check('a client does not go from one cluster to another', async () => {
      const endpoints = [...ours.endpoints(['n1']), ...theirs.endpoints(['n1'])]
      const client = await connect({ endpoints, followLeader: false })
      const first = client.endpoint === ours.at('n1').address ? ours : theirs
      await first.server('n1').stop()
      const error = await client.store.get('whose', { timeoutMs: 3_000 }).then(
        (entry) => new NitroError('DataCorrupt', `it read ${entry?.text()}`),
        (thrown: unknown) => thrown,
      )
      await client.close()
      expect(isNitroError(error) && /WrongCluster/.test(error.message), String(error))
      first.start('n1')
      await first.whole(names)
      return isNitroError(error) ? `${error.code}: ${error.message.slice(0, 120)}…` : ''
    })
    await report.check('both clusters are as they were', async () => {
      await Promise.all([ours.whole(names), theirs.whole(names)])
      return `${await ours.hashesAgree(names)}; ${await theirs.hashesAgree(names)}`
    })
  } finally {
    await Promise.all([ours.close(), theirs.close()])
  }
}

const unhex = (text = ''): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

/** What a node says of itself to a client. */
async function helloOf(address: string): Promise<Hello> {
  const scheduler = systemScheduler
  const link = await wsTransport({ scheduler }).dial(address, { timeoutMs: 2_000 })
  const hello = clientHello('stranger', systemRandom.bytes(16))
  const session = await connectSession(link, hello, { scheduler, timeoutMs: 2_000, verify: () => undefined })
  session.close()
  return session.remote
}

/** What a node answers to a hello; undefined when it takes it. */
async function refusal(address: string, hello: Hello): Promise<NitroError | undefined> {
  const scheduler = systemScheduler
  const link = await wsTransport({ scheduler }).dial(address, { timeoutMs: 2_000 })
  try {
    const session = await connectSession(link, hello, { scheduler, timeoutMs: 2_000, verify: () => undefined })
    session.close()
    return undefined
  } catch (error) {
    if (isNitroError(error)) return error
    throw error
  }
}
