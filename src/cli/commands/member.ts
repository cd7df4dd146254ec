/** `nitrostate member list|add|promote|remove|replace` */
import { Argument, Command } from 'commander'
import type { Admin, MemberInfo, RequestOptions } from '../../api/index.ts'
import type { Client } from '../../client/index.ts'
import { endpoint } from '../arguments.ts'
import { note, type CliContext } from '../context.ts'
import { printRecord, printRows } from '../output.ts'
import { sharedOptions, usesCluster, withClient, withNode } from '../shared.ts'

const examples = `
A node that joins becomes a voter by itself once it has caught up; started with --learner it stays a learner until it is
promoted.

Examples:
  nitrostate server --name n4 --data-dir data/n4 --listen 127.0.0.1:7404 --join 127.0.0.1:7401     add n4
  nitrostate member list                           where each member is
  nitrostate member remove n4                      take it out again
  nitrostate member replace n2                     n2's disk is lost: give its place to a new process`

/** Operations on the configuration. */
export function memberCommand(context: CliContext): Command {
  return new Command('member')
    .description('list and change the members of the cluster')
    .addHelpText('after', examples)
    .addCommand(listCommand(context))
    .addCommand(addCommand(context))
    .addCommand(promoteCommand(context))
    .addCommand(removeCommand(context))
    .addCommand(replaceCommand(context))
}

function listCommand(context: CliContext): Command {
  return usesCluster(new Command('list'))
    .description('all members as the answering node sees them')
    .action((_options: unknown, command: Command) =>
      withClient(context, command, async ({ admin }, { output = 'table', timeoutMs }) => {
        const members = await membersOf(context, command, await admin.members({ timeoutMs }))
        const rows = members.map(({ name, id, address, role, leader, connected, match, incarnation }) => {
          const facts = { name, id, address, role, leader, connected, match }
          return output === 'table' ? facts : { ...facts, incarnation }
        })
        await printRows(context, output, rows, 'name')
      }),
    )
}

/** Only the leader knows how far each member is, so it is asked if another node answered; if it is away, that must do. */
async function membersOf(
  context: CliContext,
  command: Command,
  members: readonly MemberInfo[],
): Promise<readonly MemberInfo[]> {
  const leader = members.find((member) => member.leader)
  if (leader === undefined || leader.match !== undefined) return members
  const shared = sharedOptions(context, command)
  const ask = ({ admin }: Client): Promise<readonly MemberInfo[]> => admin.members({ timeoutMs: shared.timeoutMs })
  return withNode(context, shared, leader.address, ask).catch(() => members)
}

function addCommand(context: CliContext): Command {
  return usesCluster(new Command('add'))
    .description('reserve the place of a new node before it joins')
    .argument('<name>', 'name of the new node')
    .addArgument(new Argument('<address>', 'host:port others will reach it under').argParser(endpoint))
    .action((name: string, address: string, _options: unknown, command: Command) =>
      change(context, command, { added: name, address }, async (admin, options, endpoints) => {
        await admin.addMember(name, address, options)
        return joinNote(name, address, endpoints)
      }),
    )
}

function promoteCommand(context: CliContext): Command {
  return usesCluster(new Command('promote'))
    .description('make a learner that has caught up a voter')
    .argument('<name>', 'name of the learner')
    .action((name: string, _options: unknown, command: Command) =>
      change(context, command, { promoted: name }, async (admin, options) => {
        await admin.promoteMember(name, options)
        return undefined
      }),
    )
}

function removeCommand(context: CliContext): Command {
  return usesCluster(new Command('remove'))
    .description('take a member out of the cluster')
    .argument('<name>', 'name of the member')
    .action((name: string, _options: unknown, command: Command) =>
      change(context, command, { removed: name }, async (admin, options) => {
        await admin.removeMember(name, options)
        return undefined
      }),
    )
}

function replaceCommand(context: CliContext): Command {
  return usesCluster(new Command('replace'))
    .description('give the place of a lost node to a new process of the same name')
    .argument('<name>', 'name of the member')
    .addArgument(new Argument('[address]', 'host:port of the new process, when it changes').argParser(endpoint))
    .action((name: string, address: string | undefined, _options: unknown, command: Command) =>
      change(context, command, { replaced: name, address }, async (admin, options, endpoints) => {
        await admin.replaceMember(name, address, options)
        const members = await admin.members(options)
        const known = members.find((member) => member.name === name)?.address
        return joinNote(name, known ?? 'HOST:PORT', endpoints)
      }),
    )
}

/** Runs one change, prints it, and notes what comes next. */
async function change(
  context: CliContext,
  command: Command,
  row: Readonly<Record<string, string | undefined>>,
  run: (admin: Admin, options: RequestOptions, endpoints: readonly string[]) => Promise<string | undefined>,
): Promise<void> {
  await withClient(context, command, async ({ admin }, { endpoints, output, timeoutMs }) => {
    const next = await run(admin, { timeoutMs }, endpoints)
    const given = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined))
    await printRecord(context, output ?? 'table', given, Object.keys(row)[0] ?? '')
    if (next !== undefined) await note(context, next)
  })
}

function joinNote(name: string, address: string, endpoints: readonly string[]): string {
  return (
    'Now start it with an empty directory:\n' +
    `  nitrostate server --name ${name} --data-dir data/${name} --listen ${address} --join ${endpoints.join(',')}`
  )
}
