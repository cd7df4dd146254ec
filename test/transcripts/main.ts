/**
 * `npm run transcripts -- DIR_OR_FILE...`: runs transcripts and shows where they fail. Log lines are not compared.
 * With `--rewrite` the files are changed to what happens now; keep such a change only if you understand what caused it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { transcriptFiles } from './files.ts'
import { rewriteTranscript, runTranscript } from './run.ts'

const rewrite = process.argv.includes('--rewrite')
const paths = process.argv.slice(2).filter((arg) => arg !== '--rewrite')
if (paths.length === 0) {
  process.stderr.write('usage: npm run transcripts -- [--rewrite] DIR_OR_FILE...\n')
  process.exitCode = 2
} else if (rewrite) {
  for (const file of transcriptFiles(paths)) writeFileSync(file, rewriteTranscript(readFileSync(file, 'utf8')))
} else {
  let passed = 0
  let failed = 0
  for (const file of transcriptFiles(paths)) {
    const failures = runTranscript(readFileSync(file, 'utf8'))
    if (failures.length === 0) passed++
    else failed++
    process.stdout.write(`${failures.length === 0 ? 'pass' : 'FAIL'} ${file}\n`)
    for (const { line, command, diff } of failures) {
      process.stdout.write(`  line ${line}: ${command}\n${diff.map((text) => `    ${text}\n`).join('')}`)
    }
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  if (failed > 0 || passed === 0) process.exitCode = 1
}
