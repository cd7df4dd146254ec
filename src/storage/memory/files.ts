/**
 * A disk in memory that forgets what was not synced.
 *
 * Content: a write changes the current image at once and marks 512-byte sectors as dirty; `sync` makes them durable. Names:
 * creations, renames and removals of a directory are a list until `syncDirectory`. A crash without randomness loses
 * everything un-synced; with it, each dirty sector is kept or lost on its own, and of each directory's name changes a
 * prefix survives. A sector is never half written, and directories themselves are durable when made.
 */
import type { FileHandle, Files, OpenFileOptions, Random } from '../../../base/index.ts'
import { NitroError, below, compareBytes, emptyBytes, utf8 } from '../../../base/index.ts'

/** The unit that a disk writes whole or not at all. */
export const sectorBytes = 512

/**
 * Called before each operation takes effect, with its name, the bytes it moves and its path. Time passes by the promise
 * it returns; a rejection makes the operation fail without effect.
 */
export type MemoryDelay = (operation: string, bytes: number, path: string) => Promise<void>

/** Something whose content lives and dies with a name on a {@link MemoryFiles}: a {@link MemoryKv} store. */
export interface Attachment {
  /** Loses what was not synced. */
  crash(random?: Random): void
}

class Inode {
  current: Uint8Array = emptyBytes
  durable: Uint8Array = emptyBytes
  readonly dirty = new Set<number>()
  attachment: Attachment | undefined

  write(offset: number, data: Uint8Array): void {
    if (offset + data.length > this.current.length) this.resize(offset + data.length)
    this.current.set(data, offset)
    for (let sector = Math.floor(offset / sectorBytes); sector * sectorBytes < offset + data.length; sector++) {
      this.dirty.add(sector)
    }
  }

  resize(size: number): void {
    const next = new Uint8Array(size)
    next.set(this.current.subarray(0, size))
    const from = Math.floor(Math.min(size, this.current.length) / sectorBytes)
    for (let sector = from; sector * sectorBytes < Math.max(size, this.current.length); sector++) this.dirty.add(sector)
    this.current = next
  }

  sync(): void {
    if (this.current.length === this.durable.length) {
      for (const sector of this.dirty) {
        const start = sector * sectorBytes
        this.durable.set(this.current.subarray(start, start + sectorBytes), start)
      }
    } else {
      this.durable = this.current.slice()
    }
    this.dirty.clear()
  }

  crash(random: Random | undefined): void {
    const kept = random === undefined ? [] : [...this.dirty].filter(() => below(random, 2) === 1)
    // the size is metadata: it survives on its own
    const size = random !== undefined && below(random, 2) === 1 ? this.current.length : this.durable.length
    const next = new Uint8Array(size)
    next.set(this.durable.subarray(0, size))
    for (const sector of kept) {
      const start = sector * sectorBytes
      if (start < size) next.set(this.current.subarray(start, Math.min(start + sectorBytes, size)), start)
    }
    this.current = next
    this.durable = next.slice()
    this.dirty.clear()
    this.attachment?.crash(random)
  }
}

/** One atomic change of a directory's names; undefined removes. */
type NameChange = ReadonlyMap<string, Inode | undefined>

interface Directory {
  names: Map<string, Inode>
  durable: Map<string, Inode>
  pending: NameChange[]
}

function split(path: string): readonly [directory: string, name: string] {
  const at = path.lastIndexOf('/')
  return at < 0 ? ['', path] : [path.slice(0, at), path.slice(at + 1)]
}

/** The Files port in memory. One instance is one disk; it outlives the nodes that crash on it. */
export class MemoryFiles implements Files {
  private readonly directories = new Map<string, Directory>()
  private readonly delay: MemoryDelay | undefined
  private generation = 0

  /** `image` is a map of paths to contents that are durable from the start. */
  constructor(options: { readonly delay?: MemoryDelay; readonly image?: ReadonlyMap<string, Uint8Array> } = {}) {
    this.delay = options.delay
    for (const [path, content] of options.image ?? []) {
      const [directory, name] = split(path)
      const inode = new Inode()
      inode.current = content.slice()
      inode.durable = content.slice()
      this.addDirectory(directory)
      this.change(directory, new Map([[name, inode]]))
      this.settle(directory)
    }
  }

  /** The current content of every file, by path. */
  image(): Map<string, Uint8Array> {
    const out = new Map<string, Uint8Array>()
    for (const [directory, { names }] of this.directories) {
      for (const [name, inode] of names) out.set(`${directory}/${name}`, inode.current.slice())
    }
    return out
  }

  /** The paths of all files. */
  paths(): string[] {
    return [...this.directories].flatMap(([directory, { names }]) =>
      [...names.keys()].map((name) => `${directory}/${name}`),
    )
  }

  /** Changes what the medium holds of a file, behind everybody's back: `change` gets its durable bytes. */
  damage(path: string, change: (bytes: Uint8Array) => void): void {
    const [directory, name] = split(path)
    const inode = this.directories.get(directory)?.names.get(name)
    if (inode === undefined) throw notFound('damage', path)
    const { current, durable } = inode
    const before = durable.slice()
    change(durable)
    for (let at = 0; at < durable.length && at < current.length; at++) {
      if (durable[at] !== before[at]) current[at] = durable[at] as number
    }
  }

  /** Loses power: un-synced data and names are lost, or with `random` partly kept. All open handles die. */
  crash(random?: Random): void {
    this.generation++
    const crashed = new Set<Inode>()
    for (const directory of this.directories.values()) {
      const keep = random === undefined ? 0 : below(random, directory.pending.length + 1)
      for (const change of directory.pending.slice(0, keep)) apply(directory.durable, change)
      directory.pending = []
      directory.names = new Map(directory.durable)
      for (const inode of directory.names.values()) {
        if (!crashed.has(inode)) inode.crash(random)
        crashed.add(inode)
      }
    }
  }

  async open(path: string, options: OpenFileOptions = {}): Promise<FileHandle> {
    await this.delay?.('open', 0, path)
    const [directory, name] = split(path)
    let inode = this.directories.get(directory)?.names.get(name)
    if (options.create === true) {
      if (inode !== undefined) throw new NitroError('DiskFailed', `open ${path}: the file exists`)
      if (!this.directories.has(directory)) throw notFound('open', path)
      inode = new Inode()
      this.change(directory, new Map([[name, inode]]))
    }
    if (inode === undefined) throw notFound('open', path)
    return this.handle(inode, path)
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    const [directory, name] = split(path)
    const inode = this.directories.get(directory)?.names.get(name)
    await this.delay?.('read', inode?.current.length ?? 0, path)
    return inode?.current.slice()
  }

  async list(directory: string): Promise<string[]> {
    await this.delay?.('list', 0, directory)
    const names = new Set(this.directories.get(directory)?.names.keys())
    for (const path of this.directories.keys()) {
      if (path.startsWith(`${directory}/`)) names.add(path.slice(directory.length + 1).split('/')[0] as string)
    }
    return [...names].toSorted((a, b) => compareBytes(utf8(a), utf8(b)))
  }

  async makeDirectory(directory: string): Promise<void> {
    await this.delay?.('makeDirectory', 0, directory)
    this.addDirectory(directory)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.delay?.('rename', 0, from)
    const [fromDirectory, fromName] = split(from)
    const [toDirectory, toName] = split(to)
    const inode = this.directories.get(fromDirectory)?.names.get(fromName)
    if (inode === undefined || !this.directories.has(toDirectory)) throw notFound('rename', from)
    if (fromDirectory === toDirectory) {
      const change = new Map<string, Inode | undefined>([[fromName, undefined]])
      this.change(toDirectory, change.set(toName, inode))
    } else {
      this.change(toDirectory, new Map([[toName, inode]]))
      this.change(fromDirectory, new Map([[fromName, undefined]]))
    }
  }

  async remove(path: string): Promise<void> {
    await this.delay?.('remove', 0, path)
    const [directory, name] = split(path)
    if (this.directories.get(directory)?.names.has(name) === true) this.change(directory, new Map([[name, undefined]]))
    for (const under of [...this.directories.keys()]) {
      if (under === path || under.startsWith(`${path}/`)) this.directories.delete(under)
    }
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.delay?.('syncDirectory', 0, directory)
    if (!this.directories.has(directory)) throw notFound('sync directory', directory)
    this.settle(directory)
  }

  /** Ties `attachment` to a durable name, creating it. */
  attach(path: string, attachment: Attachment): void {
    const [directory, name] = split(path)
    this.addDirectory(directory)
    const inode = new Inode()
    inode.attachment = attachment
    this.change(directory, new Map([[name, inode]]))
    this.settle(directory)
  }

  /** What was tied to a name, if the name is still there. */
  attached(path: string): Attachment | undefined {
    const [directory, name] = split(path)
    return this.directories.get(directory)?.names.get(name)?.attachment
  }

  private addDirectory(directory: string): void {
    for (let at = directory; at !== '' && !this.directories.has(at); at = split(at)[0]) {
      this.directories.set(at, { names: new Map(), durable: new Map(), pending: [] })
    }
    if (directory === '' && !this.directories.has('')) {
      this.directories.set('', { names: new Map(), durable: new Map(), pending: [] })
    }
  }

  private change(path: string, change: NameChange): void {
    const directory = this.directories.get(path)
    if (directory === undefined) throw notFound('change', path)
    apply(directory.names, change)
    directory.pending.push(change)
  }

  private settle(path: string): void {
    const directory = this.directories.get(path)
    if (directory === undefined) return
    directory.durable = new Map(directory.names)
    directory.pending = []
  }

  private handle(inode: Inode, path: string): FileHandle {
    const generation = this.generation
    let closed = false
    const check = (operation: string): void => {
      if (generation === this.generation && !closed) return
      throw new NitroError('DiskFailed', `${operation} ${path}: the handle is ${closed ? 'closed' : 'lost in a crash'}`)
    }
    const enter = async (operation: string, bytes: number): Promise<void> => {
      if (generation === this.generation && !closed) await this.delay?.(operation, bytes, path)
      check(operation)
    }
    return {
      async size() {
        await enter('size', 0)
        return inode.current.length
      },
      async read(offset, length) {
        await enter('read', length)
        return inode.current.slice(offset, offset + length)
      },
      readSync(offset, length) {
        check('read')
        return inode.current.slice(offset, offset + length)
      },
      async write(offset, data) {
        await enter('write', data.length)
        inode.write(offset, data)
      },
      sync: async () => {
        try {
          await enter('sync', inode.dirty.size * sectorBytes)
        } catch (error) {
          // As on Linux: what could not be written is taken for written, and a later sync that works says nothing of it.
          if (generation === this.generation && !closed) inode.dirty.clear()
          throw error
        }
        inode.sync()
      },
      async truncate(size) {
        await enter('truncate', 0)
        inode.resize(size)
      },
      async close() {
        await enter('close', 0)
        closed = true
      },
    }
  }
}

function apply(names: Map<string, Inode>, change: NameChange): void {
  for (const [name, inode] of change) {
    if (inode === undefined) names.delete(name)
    else names.set(name, inode)
  }
}

function notFound(operation: string, path: string): NitroError {
  return new NitroError('NotFound', `${operation} ${path}: no such file or directory`)
}
