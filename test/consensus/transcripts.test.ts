/**
 * Transcripts as tests: our own, and those of etcd-io/raft where they are present.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { transcriptFiles } from '../transcripts/files.ts'
import { runTranscript } from '../transcripts/run.ts'

const golden = join(import.meta.dirname, '..', 'golden')
const data = process.env['NITROSTATE_TEST_DATA']
const etcd = data === undefined ? undefined : join(data, 'etcd-raft')
const present = etcd !== undefined && existsSync(etcd)

function report(file: string): string {
  return runTranscript(readFileSync(file, 'utf8'))
    .map(({ line, command, diff }) => `line ${line}: ${command}\n${diff.join('\n')}`)
    .join('\n')
}

describe('our own transcripts hold', () => {
  test.each(transcriptFiles([golden]).map((file) => [basename(file, '.txt'), file] as const))('%s', (_, file) => {
    expect(report(file)).toBe('')
  })
})

describe('the transcripts of etcd-io/raft hold', () => {
  const files = present && etcd !== undefined ? transcriptFiles([etcd]) : []
  test.skipIf(!present)('NITROSTATE_TEST_DATA names a directory with transcripts', () => {
    expect(files.length).toBeGreaterThan(0)
  })
  for (const file of files) test(basename(file, '.txt'), () => expect(report(file)).toBe(''))
})
