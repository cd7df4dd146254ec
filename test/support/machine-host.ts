/** A real machine behind nothing: each command is an entry of its own, answered at once. What clients are tested against. */
import { EntryBuilder, Machine, type MachineLimits, type Program, ProgramError } from '../../execution/index.ts'
import { activateAll } from './activation.ts'
import type { CommandChannel, CommandOwner, QueryChannel } from '../../src/wire/index.ts'

/** Adds numbers under keys, and refuses negative ones. */
export const counterProgram: Program = {
  name: 'counter',
  version: 1,
  methods: {
    add(tx, args) {
      const { key, by } = args as { readonly key: string; readonly by: number }
      if (by < 0) throw new ProgramError('Negative', { by })
      const before = tx.get(key)
      const sum = (before === undefined ? 0 : Number(new TextDecoder().decode(before))) + by
      tx.put(key, String(sum))
      return sum
    },
  },
  queries: {
    read(view, args) {
      const value = view.get(args as string)
      return value === undefined ? null : Number(new TextDecoder().decode(value))
    },
  },
}

/** One machine; everything that is submitted is applied in order. */
export class MachineHost implements CommandChannel, QueryChannel {
  readonly machine: Machine
  applied = 0
  private readonly builder = new EntryBuilder()

  constructor(limits: Partial<MachineLimits> = {}) {
    this.machine = new Machine({ programs: [counterProgram], limits, readBlock: () => undefined })
    this.machine.finishLoad()
    activateAll(this.machine)
  }

  apply(command: Uint8Array): Uint8Array {
    this.builder.clear()
    this.builder.add(command)
    this.machine.startEntry(this.machine.appliedIndex + 1, 1, this.builder.finish(0, 0))
    let result = new Uint8Array()
    const keep = (_position: number, bytes: Uint8Array): void => {
      result = new Uint8Array(bytes)
    }
    while (this.machine.step(keep));
    this.machine.finishEntry()
    this.applied++
    return result
  }

  submit(command: Uint8Array, done: CommandOwner, tag: number): void {
    done.completed(tag, this.apply(command))
  }

  query(
    program: string,
    method: string,
    args: Uint8Array,
    _consistency: string,
    _timeoutMs: number,
    done: CommandOwner,
    tag: number,
  ): void {
    done.completed(tag, this.machine.query(program, method, args))
  }
}
