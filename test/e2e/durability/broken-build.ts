/** Copies of the build whose syncs do not do what they should, to see that the check would notice. */
import { cpSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, root } from '../harness/index.ts'

/** How a build can lie about its syncs. */
export type Lie = 'skipped' | 'late'

const flag = 'fs.constants.O_DSYNC ?? 0'
const sync = 'fs.fdatasync(this.descriptor, (error) => settle(error))'
const lies: Readonly<Record<Lie, string>> = {
  skipped: 'setImmediate(() => settle(null))',
  late: '(setTimeout(() => fs.fdatasync(this.descriptor, () => {}), 20), setImmediate(() => settle(null)))',
}

/** Makes such a copy, which leaves no sync to the system, in `directory` and gives the path of its executable. */
export function breakBuild(directory: string, lie: Lie): string {
  mkdirSync(directory, { recursive: true })
  cpSync(join(root, 'dist'), join(directory, 'dist'), { recursive: true })
  copyFileSync(join(root, 'package.json'), join(directory, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  const path = join(directory, 'dist/src/storage/adapters/node-files.js')
  const source = readFileSync(path, 'utf8')
  for (const text of [flag, sync]) {
    expect(source.split(text).length === 2, `the compiled adapter does not hold this just once: ${text}`)
  }
  writeFileSync(path, source.replace(flag, '0').replace(sync, lies[lie]))
  return join(directory, 'dist/src/cli/main.js')
}
