#!/usr/bin/env node
/** The executable: one command line in, one exit code out. */
import { fileURLToPath } from 'node:url'
import { runCli } from './program.ts'
import { systemContext } from './system-context.ts'

/** A reader that closed the pipe, as `head` does, has what it wanted. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.stderr.on('error', () => {})

const code = await runCli(process.argv.slice(2), systemContext(fileURLToPath(import.meta.url)))
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
process.exit(code)
