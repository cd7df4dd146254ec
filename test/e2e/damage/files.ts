/** The files of a stopped node, and ways to damage them. */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect } from '../harness/index.ts'

/** What may be damaged. */
export type Target =
  | 'log segment'
  | 'witness'
  | 'identity'
  | 'state pointer'
  | 'state .log'
  | 'state .ldb'
  | 'state CURRENT'
  | 'state MANIFEST'
  | 'half-received snapshot'

/** How. `used` counts up to the last byte that is not zero: a log segment is zeroed ahead of its use. */
export type Damage =
  | 'flip first byte'
  | 'flip middle byte'
  | 'flip last byte'
  | 'flip middle of used'
  | 'flip last of used'
  | 'truncate'
  | 'remove'

/** The path of a target in a node's data directory. */
export function pathOf(target: Target, dataDir: string): string {
  switch (target) {
    case 'log segment':
      return newest(join(dataDir, 'log'), /^wal-\d{12}$/)
    case 'witness':
      return join(dataDir, 'log/witness')
    case 'identity':
      return join(dataDir, 'identity')
    case 'state pointer':
      return join(dataDir, 'state/current')
    case 'half-received snapshot':
      return largest(databases(dataDir).at(-1) as string, /\.(?:log|ldb)$/)
    case 'state .log':
      return largest(databases(dataDir)[0] as string, /\.log$/)
    case 'state .ldb':
      return largest(databases(dataDir)[0] as string, /\.ldb$/)
    case 'state CURRENT':
      return join(databases(dataDir)[0] as string, 'CURRENT')
    case 'state MANIFEST':
      return newest(databases(dataDir)[0] as string, /^MANIFEST-/)
  }
}

/** Directories of databases in order of their numbers; all but one are leftovers. */
export function databases(dataDir: string): string[] {
  const state = join(dataDir, 'state')
  return readdirSync(state)
    .filter((name) => name.startsWith('db-'))
    .toSorted()
    .map((name) => join(state, name))
}

function newest(directory: string, pattern: RegExp): string {
  const name = readdirSync(directory)
    .filter((one) => pattern.test(one))
    .toSorted()
    .at(-1)
  expect(name !== undefined, `${directory} has no file like ${pattern}`)
  return join(directory, name)
}

function largest(directory: string, pattern: RegExp): string {
  const paths = readdirSync(directory)
    .filter((one) => pattern.test(one))
    .map((name) => join(directory, name))
  const [path] = paths.toSorted((a, b) => statSync(b).size - statSync(a).size)
  expect(path !== undefined && statSync(path).size > 0, `${directory} has no file like ${pattern} with anything in it`)
  return path
}

/** Damages a file; resolves with what was done in words. */
export function damageFile(path: string, damage: Damage): string {
  if (damage === 'remove') {
    rmSync(path)
    return 'removed'
  }
  const file = openSync(path, 'r+')
  try {
    const { size } = fstatSync(file)
    if (damage === 'truncate') {
      ftruncateSync(file, Math.floor(size / 2))
      return `cut from ${size} to ${Math.floor(size / 2)} bytes`
    }
    const at = offset(path, size, damage)
    const byte = new Uint8Array(1)
    readSync(file, byte, 0, 1, at)
    writeSync(file, Uint8Array.of((byte[0] as number) ^ 0xff), 0, 1, at)
    return `byte ${at} of ${size} flipped`
  } finally {
    closeSync(file)
  }
}

function offset(path: string, size: number, damage: Damage): number {
  switch (damage) {
    case 'flip first byte':
      return 0
    case 'flip middle byte':
      return Math.floor(size / 2)
    case 'flip middle of used':
      return Math.floor(usedBytes(path) / 2)
    case 'flip last of used':
      return usedBytes(path) - 1
    default:
      return size - 1
  }
}

/** Bytes up to the last that is not zero. */
export function usedBytes(path: string): number {
  return readFileSync(path).findLastIndex((byte) => byte !== 0) + 1
}
