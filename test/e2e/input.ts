/**
 * Bad input of every kind: each gets a clear typed error and the documented exit code, and whoever did nothing wrong goes on.
 *
 * Parts: options, endpoints, cluster, garbage, strangers, disk, places. Name some to run only those.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { main } from './harness/index.ts'
import type { Scene } from './harness/index.ts'
import { badEndpoints, badOptions } from './input/command-line.ts'
import { fullDisks } from './input/disk.ts'
import { garbage } from './input/garbage.ts'
import { limitsAndQuorum } from './input/limits.ts'
import { badPlaces } from './input/places.ts'
import { strangers } from './input/strangers.ts'

const parts: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  options: badOptions,
  endpoints: badEndpoints,
  cluster: limitsAndQuorum,
  garbage,
  strangers,
  disk: fullDisks,
  places: badPlaces,
}

await main('input', async (scene) => {
  for (const [name, part] of Object.entries(parts)) {
    if (scene.only.length > 0 && !scene.only.includes(name)) continue
    const directory = join(scene.directory, name)
    mkdirSync(directory, { recursive: true, mode: 0o755 })
    await part({ ...scene, directory })
  }
})
