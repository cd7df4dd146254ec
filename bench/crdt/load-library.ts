/** Loads one library: a process measures one, and must not pay for the others. */
import type { Library, LibraryName } from './library.ts'

/** The driver of a library. */
export async function loadLibrary(name: LibraryName): Promise<Library> {
  switch (name) {
    case 'nitrostate':
      return (await import('./libraries/nitrostate.ts')).nitrostate
    case 'yjs':
      return (await import('./libraries/yjs.ts')).yjs
    case 'automerge':
      return (await import('./libraries/automerge.ts')).automergeLibrary
    case 'loro':
      return (await import('./libraries/loro.ts')).loro
  }
}
