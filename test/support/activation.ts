/** The entry with which a leader puts programs and flags in force. */
import { ByteWriter } from '../../base/index.ts'
import { EntryBuilder, encodeCommand, writeProgramSet } from '../../execution/index.ts'
import type { Machine, ProgramSet } from '../../execution/index.ts'

/** The command that puts these in force. */
export function activateCommand(changes: ProgramSet): Uint8Array {
  const args = new ByteWriter()
  writeProgramSet(args, changes)
  const command = new ByteWriter()
  encodeCommand(command, { program: 'system', method: 'activate', args: args.take() })
  return command.take()
}

/** Puts the highest version of everything that the machine offers in force, as its first entry. */
export function activateAll(machine: Machine): void {
  const { programs, flags } = machine.activation.offer
  const highest = programs.filter(({ name }, at) => programs[at + 1]?.name !== name)
  if (highest.length + flags.length === 0) return
  const builder = new EntryBuilder()
  builder.add(activateCommand({ programs: highest, flags }))
  machine.startEntry(machine.appliedIndex + 1, 1, builder.finish(0, 0))
  while (machine.step(() => {}));
  machine.finishEntry()
}
