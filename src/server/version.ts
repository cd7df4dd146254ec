/** The version of this package, from its package.json. */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Semantic version of the running code. */
export const version: string = (require('nitrostate/package.json') as { readonly version: string }).version
