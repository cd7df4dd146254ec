/**
 * Who is a member, and who must never be one again: joining under load, removal of the leader, and a founder that comes back
 * with an empty disk.
 *
 * Parts: grow, wiped, intent. Name some to run only those.
 */
import { join } from 'node:path'
import { main } from './harness/index.ts'
import type { Scene } from './harness/index.ts'
import { growUnderLoad } from './membership/grow.ts'
import { crashedFounder } from './membership/intent.ts'
import { wipedFounder } from './membership/wiped.ts'

const parts: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  grow: growUnderLoad,
  wiped: wipedFounder,
  intent: crashedFounder,
}

await main('membership', async (scene) => {
  for (const [name, part] of Object.entries(parts)) {
    if (scene.only.length > 0 && !scene.only.includes(name)) continue
    await part({ ...scene, directory: join(scene.directory, name) })
  }
})
