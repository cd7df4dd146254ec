/** `nitrostate snapshot save|verify|restore` */
import { Command, Option } from 'commander'
import { NitroError, hex, isNitroError } from '../../../base/index.ts'
import { readPeers } from '../../server/index.ts'
import type { SnapshotFileInfo } from '../../storage/index.ts'
import { endpoint } from '../arguments.ts'
import { note, type CliContext } from '../context.ts'
import { printRecord, type Row } from '../output.ts'
import { showProgress } from '../progress.ts'
import { sharedOptions, usesCluster, withClient } from '../shared.ts'

interface RestoreFlags {
  readonly name: string
  readonly dataDir: string
  readonly listen: string
  readonly peers?: Readonly<Record<string, string>>
}

const examples = `
Examples:
  nitrostate snapshot save backup.snap
  nitrostate snapshot verify backup.snap
  nitrostate snapshot restore backup.snap --name n1 --data-dir data/n1 --listen 127.0.0.1:7401`

/** Backups of the whole state. */
export function snapshotCommand(context: CliContext): Command {
  return new Command('snapshot')
    .description('back the whole state up, check a backup, start a new cluster from one')
    .addHelpText('after', examples)
    .addCommand(saveCommand(context))
    .addCommand(verifyCommand(context))
    .addCommand(restoreCommand(context))
}

function saveCommand(context: CliContext): Command {
  return usesCluster(new Command('save'))
    .description("save the answering node's state to a file")
    .argument('<file>', 'the file to write')
    .action((file: string, _options: unknown, command: Command) =>
      withClient(context, command, async ({ admin }, { output }) => {
        const { timeout: timeoutMs } = command.optsWithGlobals<{ readonly timeout?: number }>()
        let received = 0
        const progress = showProgress(context, 'bytes saved', () => received)
        const chunks = counted(admin.snapshot({ timeoutMs }), (bytes) => (received += bytes))
        try {
          const { nodeFiles, saveSnapshotFile } = await import('../../storage/index.ts')
          const info = await saveSnapshotFile(nodeFiles, file, chunks).catch(noSuch(`the directory of ${file}`))
          await progress.stop()
          await printRecord(context, output ?? 'table', infoRow(file, info), 'file')
        } finally {
          await progress.stop()
        }
      }),
    )
}

function verifyCommand(context: CliContext): Command {
  return usesCluster(new Command('verify'), ['output'])
    .description('check every checksum of a snapshot file')
    .argument('<file>', 'the snapshot file')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { nodeFiles, verifySnapshotFile } = await import('../../storage/index.ts')
      const info = await verifySnapshotFile(nodeFiles, file).catch(noSuch(file))
      await printRecord(context, sharedOptions(context, command).output ?? 'table', infoRow(file, info), 'file')
    })
}

function restoreCommand(context: CliContext): Command {
  return usesCluster(new Command('restore'), ['output'])
    .description('make the data directory of a new cluster out of a snapshot file')
    .argument('<file>', 'the snapshot file')
    .requiredOption('--name <name>', 'name of the node')
    .requiredOption('--data-dir <dir>', 'the directory to make; it must not exist or be empty')
    .addOption(new Option('--listen <host:port>', 'its address').argParser(endpoint).makeOptionMandatory())
    .addOption(
      new Option('--peers <name=host:port,...>', 'all members of the new cluster (default: only this one)').argParser(
        peerList,
      ),
    )
    .action(async (file: string, flags: RestoreFlags, command: Command) => {
      const { restoreSnapshot } = await import('../../node/index.ts')
      const result = await restoreSnapshot({ file, ...flags }).catch(noSuch(file))
      await printRecord(context, sharedOptions(context, command).output ?? 'table', { ...result }, 'clusterId')
      await note(context, startNote(flags))
    })
}

/** Names what is missing in the user's words. */
function noSuch(what: string): (error: unknown) => never {
  return (error) => {
    if (!isNitroError(error, 'NotFound')) throw error
    throw new NitroError('NotFound', `${what} does not exist`, { cause: error })
  }
}

function infoRow(file: string, info: SnapshotFileInfo): Row {
  return { file, ...info, clusterId: hex(info.clusterId) }
}

function startNote({ name, dataDir, listen, peers }: RestoreFlags): string {
  const list = Object.entries(peers ?? {}).map(([peer, address]) => `${peer}=${address}`)
  const flag = list.length === 0 ? '' : ` --peers ${list.join(',')}`
  return `Now start it:\n  nitrostate server --name ${name} --data-dir ${dataDir} --listen ${listen}${flag}`
}

function peerList(value: string): Readonly<Record<string, string>> {
  return readPeers({ value, origin: '--peers' }) ?? {}
}

async function* counted(chunks: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    count(chunk.length)
    yield chunk
  }
}
