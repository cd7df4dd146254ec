import { describe, expect, it } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import type { LogBatch } from '../../src/storage/index.ts'
import { MemoryFiles } from '../../src/storage/index.ts'
import { ManualTime, contentOf, entriesFrom, incarnation, openOn, same, settled } from './harness.ts'

type Image = Map<string, Uint8Array>
type Content = ReturnType<typeof contentOf>

const sector = 512
const segmentBytes = 2048
const witness = 'data/log/witness'

const batches: readonly LogBatch[] = [
  { entries: [], hardState: { term: 1, vote: 2, commit: 0 } },
  { entries: entriesFrom(1, 3, 1, 100) },
  { entries: entriesFrom(4, 2, 1, 700), hardState: { term: 1, vote: 2, commit: 3 } },
  { entries: entriesFrom(6, 4, 1, 9) },
  { entries: entriesFrom(8, 3, 2, 200), hardState: { term: 2, vote: 0, commit: 5 } },
  { entries: entriesFrom(11, 1, 2, 600) },
  { entries: [], hardState: { term: 3, vote: 3, commit: 5 } },
  { entries: entriesFrom(12, 2, 3, 150) },
  { entries: entriesFrom(14, 1, 3, 330) },
]

/** The files of a log; a segment that is only being prepared is none of them. */
function filesOf(files: MemoryFiles): Image {
  const image = files.image()
  image.delete('data/log/wal-next.tmp')
  return image
}

/**
 * A log of several segments; what was on disk and acknowledged after each write, and after an orderly close. `intervalMs`
 * passes after each write.
 */
async function scenario(intervalMs = 0) {
  const files = new MemoryFiles()
  const time = new ManualTime()
  const log = await openOn(files, { create: true, segmentBytes, clock: time, scheduler: time })
  const steps: { readonly image: Image; readonly content: Content }[] = []
  for (const batch of batches) {
    await log.write(batch)
    time.advance(intervalMs)
    await settled()
    steps.push({ image: filesOf(files), content: contentOf(log) })
  }
  await log.close()
  const last = steps.at(-1) as (typeof steps)[number]
  return { steps, stale: last.image, current: filesOf(files), content: last.content }
}

/** The content found in an image, or undefined when the log is reported damaged. */
async function outcome(image: Image): Promise<Content | undefined> {
  try {
    return contentOf(await openOn(new MemoryFiles({ image }), { segmentBytes }))
  } catch (error) {
    if (isNitroError(error, 'LogDamaged')) return undefined
    throw error
  }
}

function changed(image: Image, path: string, change: (bytes: Uint8Array) => Uint8Array): Image {
  return new Map([...image, [path, change((image.get(path) as Uint8Array).slice())]])
}

/** Where the data of a file ends; zeros after it belong to nobody. */
function usedBytes(image: Image, path: string): number {
  const bytes = image.get(path) as Uint8Array
  if (path === witness) return bytes.length
  return bytes.findLastIndex((byte) => byte !== 0) + 1
}

describe('a damaged log', () => {
  it('is reported for every flipped byte, however stale the witness is', async () => {
    const { stale, current, content } = await scenario()
    const silent: string[] = []
    for (const [image, step] of [
      [stale, 1],
      [current, 5],
    ] as const) {
      for (const [path, bytes] of image) {
        const used = usedBytes(image, path)
        for (let at = 0; at < bytes.length; at += at < used ? step : 7) {
          const flip = [0x01, 0x80, 0xff][at % 3] as number
          const found = await outcome(
            changed(image, path, (copy) => {
              copy[at] = (copy[at] as number) ^ flip
              return copy
            }),
          )
          if (found !== undefined && (at < used || !same(found, content))) silent.push(`${path} byte ${at}`)
        }
      }
    }
    expect(silent).toEqual([])
  })

  it('is reported for every file that is cut, at every length', async () => {
    const { stale } = await scenario()
    for (const [path, bytes] of stale) {
      for (let length = 0; length < bytes.length; length += 3) {
        expect(await outcome(changed(stale, path, (copy) => copy.slice(0, length)))).toBeUndefined()
      }
      const longer = changed(stale, path, (copy) => Uint8Array.from([...copy, 0]))
      expect(await outcome(longer)).toBeUndefined()
    }
  })

  it('is reported for every missing file and every set of missing files', async () => {
    const { stale, current } = await scenario()
    for (const image of [stale, current]) {
      const paths = [...image.keys()]
      expect(paths.length).toBeGreaterThan(3)
      for (let set = 1; set < 1 << paths.length; set++) {
        const left = new Map([...image].filter(([path]) => (set & (1 << paths.indexOf(path))) === 0))
        expect(await outcome(left), `without set ${set}`).toBeUndefined()
      }
    }
  })

  it('never loses an acknowledged entry to zeroed sectors when the witness is current', async () => {
    const { current, content } = await scenario()
    for (const [path, bytes] of current) {
      for (const width of [sector, 2 * sector, 4096]) {
        for (let at = 0; at < bytes.length; at += sector) {
          const found = await outcome(changed(current, path, (copy) => copy.fill(0, at, at + width)))
          if (at < usedBytes(current, path)) expect(found, `${path} at ${at}`).toBeUndefined()
          else expect(found).toEqual(content)
        }
      }
    }
  })

  it('loses only batches after the last mark to zeroed sectors when the witness is stale', async () => {
    const { stale, content, steps } = await scenario()
    // the third segment's first write brought the position of step 6 into the witness
    const marked = steps[5]?.content.entries.length as number
    let ambiguous = 0
    for (const [path, bytes] of stale) {
      for (let at = 0; at < bytes.length; at += sector) {
        const found = await outcome(changed(stale, path, (copy) => copy.fill(0, at, at + sector)))
        if (found === undefined) continue
        expect(found.entries).toEqual(content.entries.slice(0, found.entries.length))
        expect(found.entries.length).toBeGreaterThanOrEqual(marked)
        if (found.entries.length < content.entries.length) ambiguous++
      }
    }
    expect(ambiguous).toBeGreaterThan(0)
  })

  it('is reported when a sector is zeroed and any later record can still be read, without any witness', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true, segmentBytes: 8192 })
    await log.write({ entries: [], hardState: { term: 1, vote: 0, commit: 0 } })
    const records: { readonly start: number; readonly end: number }[] = []
    for (let index = 1, at = sector; index <= 9; index++) {
      const bytes = [700, 20, 1100][index % 3] as number
      await log.write({ entries: entriesFrom(index, 1, 1, bytes) })
      const end = at + 72 + Math.ceil(bytes / 8) * 8 + 8
      records.push({ start: at, end })
      at = end
    }
    const image = filesOf(files)
    const { entries } = contentOf(log)
    const used = (records.at(-1) as (typeof records)[number]).end
    for (let at = sector; at < used; at += sector) {
      const zeroed = changed(image, 'data/log/wal-000000000001', (copy) => copy.fill(0, at, at + sector))
      const found = await outcome(zeroed)
      const broken = records.findIndex(({ start, end }) => start < at + sector && end > at)
      const marked = records.slice(broken + 1).some(({ start }) => start + 72 <= at || start >= at + sector)
      expect(found?.entries, `sector at ${at}`).toEqual(marked ? undefined : entries.slice(0, broken))
    }
  })

  it('is reported when a sector was written to a wrong place', async () => {
    const { current, content } = await scenario()
    const silent: string[] = []
    const places = [...current].flatMap(([path, bytes]) =>
      Array.from({ length: bytes.length / sector }, (_, at) => ({ path, at: at * sector })),
    )
    for (const from of places) {
      const source = (current.get(from.path) as Uint8Array).subarray(from.at, from.at + sector)
      for (const to of places) {
        if (from === to) continue
        const found = await outcome(
          changed(current, to.path, (copy) => {
            copy.set(source, to.at)
            return copy
          }),
        )
        if (found !== undefined && !same(found, content))
          silent.push(`${from.path} ${from.at} over ${to.path} ${to.at}`)
      }
    }
    expect(silent).toEqual([])
  })

  it('is reported when files of different times are mixed, unless nothing acknowledged is missing', async () => {
    const { steps } = await scenario(20)
    const promise = (at: number): string => {
      const { term, vote } = (steps[at] as (typeof steps)[number]).content.hardState as { term: number; vote: number }
      return `${term}/${vote}`
    }
    for (const [newer, { image, content }] of steps.entries()) {
      for (const [older, { image: before }] of steps.slice(0, newer).entries()) {
        for (const path of before.keys()) {
          const found = await outcome(new Map([...image, [path, before.get(path) as Uint8Array]]))
          if (found === undefined) continue
          const where = `${path} of step ${older} at step ${newer}`
          expect(found.entries, where).toEqual(content.entries)
          // a lost vote can go unseen only until the next record
          let seen = false
          for (let at = older + 1; at < newer; at++) {
            if (promise(at) !== promise(older) && batches.slice(at + 1, newer + 1).some((b) => b.entries.length > 0))
              seen = true
          }
          if (seen) expect(found.hardState, where).toMatchObject(content.hardState)
        }
      }
    }
  })

  it('is reported when valid records of two histories are mixed', async () => {
    const history = async (term: number): Promise<Uint8Array> => {
      const files = new MemoryFiles()
      const log = await openOn(files, { create: true, segmentBytes })
      await log.write({ entries: entriesFrom(1, 1), hardState: { term: 2, vote: 0, commit: 0 } })
      await log.write({ entries: entriesFrom(2, 1, term, 368) })
      await log.write({ entries: entriesFrom(3, 1, 2, 100) })
      image = filesOf(files)
      return image.get('data/log/wal-000000000001') as Uint8Array
    }
    let image: Image = new Map()
    const [ours, theirs] = [await history(1), await history(2)]
    const third = sector + 72 + 24 + 8 + 72 + 368 + 8
    const mixed = Uint8Array.from([...ours.subarray(0, third), ...theirs.subarray(third)])
    const as = (bytes: Uint8Array): Image => new Map([...image, ['data/log/wal-000000000001', bytes]])
    expect([await outcome(as(ours)), await outcome(as(theirs))]).not.toContain(undefined)
    expect(await outcome(as(mixed))).toBeUndefined()
  })

  it('is reported when the witness is of another history', async () => {
    const make = async (steps: readonly LogBatch[]): Promise<Image> => {
      const files = new MemoryFiles()
      const log = await openOn(files, { create: true, segmentBytes })
      for (const step of steps) await log.write(step)
      await log.close()
      return filesOf(files)
    }
    const promise = (term: number, vote: number) => ({ term, vote, commit: 0 })
    const ours = await make([
      { entries: entriesFrom(1, 3, 5), hardState: promise(5, 0) },
      { entries: entriesFrom(4, 2, 5) },
    ])
    const theirs = await make([
      { entries: entriesFrom(1, 1, 1), hardState: promise(1, 0) },
      ...Array.from({ length: 9 }, (_, at) => ({ entries: [], hardState: promise(1 + at, at) })),
    ])
    const sameLength = await make([{ entries: entriesFrom(1, 5, 4), hardState: promise(5, 0) }, { entries: [] }])
    const empty = await make(Array.from({ length: 9 }, (_, at) => ({ entries: [], hardState: promise(1, at) })))
    for (const other of [theirs, sameLength, empty]) {
      expect(await outcome(new Map([...ours, [witness, other.get(witness) as Uint8Array]]))).toBeUndefined()
    }
  })

  it('is reported when a vote was lost and anything was written after it', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true, segmentBytes })
    await log.write({ entries: entriesFrom(1, 1), hardState: { term: 1, vote: 0, commit: 0 } })
    const before = filesOf(files).get(witness) as Uint8Array
    await log.write({ entries: [], hardState: { term: 1, vote: 7, commit: 0 } })
    await log.write({ entries: entriesFrom(2, 1) })
    expect(await outcome(new Map([...filesOf(files), [witness, before]]))).toBeUndefined()
  })

  it('is reported when the newest witness slot is replaced by one of an older time', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true, segmentBytes })
    const images: Uint8Array[] = []
    for (let vote = 1; vote <= 6; vote++) {
      await log.write({ entries: [], hardState: { term: vote, vote, commit: 0 } })
      images.push(filesOf(files).get(witness) as Uint8Array)
    }
    for (const old of images.slice(0, 3)) {
      for (const at of [0, sector]) {
        const mixed = changed(filesOf(files), witness, (copy) => {
          copy.set(old.subarray(at, at + sector), at)
          return copy
        })
        const found = await outcome(mixed)
        const unchanged = same([...(mixed.get(witness) as Uint8Array)], [...(images[5] as Uint8Array)])
        expect(found === undefined || unchanged).toBe(true)
      }
    }
  })

  it('is reported when it belongs to another incarnation', async () => {
    const { current } = await scenario()
    const other = incarnation.map((byte) => byte ^ 1)
    await expect(openOn(new MemoryFiles({ image: current }), { incarnation: other })).rejects.toMatchObject({
      code: 'LogDamaged',
    })
    const theirs = new MemoryFiles()
    await (await openOn(theirs, { create: true, segmentBytes, incarnation: other })).close()
    for (const [path, bytes] of theirs.image()) {
      expect(await outcome(new Map([...current, [path, bytes]])), path).toBeUndefined()
    }
  })

  it('says what is wrong, where, and up to which index it could be read', async () => {
    const { current } = await scenario()
    const image = changed(current, 'data/log/wal-000000000002', (copy) => copy.fill(0xff, 600, 601))
    await expect(openOn(new MemoryFiles({ image }))).rejects.toMatchObject({
      code: 'LogDamaged',
      details: { what: expect.any(String), where: expect.stringContaining('wal-'), index: expect.any(Number) },
    })
  })
})

describe('a batch that was being written when the machine died', () => {
  it('is cut at its first incomplete record for every set of sectors that reached the disk', async () => {
    for (const padding of [40, 300, 470]) {
      const files = new MemoryFiles()
      const log = await openOn(files, { create: true, segmentBytes: 4096 })
      await log.write({ entries: entriesFrom(1, 1, 1, padding), hardState: { term: 1, vote: 0, commit: 0 } })
      const before = filesOf(files).get('data/log/wal-000000000001') as Uint8Array
      const acknowledged = contentOf(log).entries
      await log.write({
        entries: [...entriesFrom(2, 2, 1, 30), ...entriesFrom(4, 2, 1, 600), ...entriesFrom(6, 3, 1, 5)],
      })
      const all = contentOf(log).entries
      const image = filesOf(files)
      const after = image.get('data/log/wal-000000000001') as Uint8Array
      const dirty = [...Array(8).keys()].filter((at) =>
        after.subarray(at * sector, (at + 1) * sector).some((byte, i) => byte !== before[at * sector + i]),
      )
      expect(dirty.length).toBeGreaterThanOrEqual(4)
      for (let set = 0; set < 1 << dirty.length; set++) {
        const torn = before.slice()
        for (const [bit, at] of dirty.entries()) {
          if ((set & (1 << bit)) !== 0) torn.set(after.subarray(at * sector, (at + 1) * sector), at * sector)
        }
        const disk = new MemoryFiles({ image: new Map([...image, ['data/log/wal-000000000001', torn]]) })
        const again = await openOn(disk)
        const found = contentOf(again).entries
        expect(found.length).toBeGreaterThanOrEqual(acknowledged.length)
        expect(found).toEqual(all.slice(0, found.length))
        if (set === (1 << dirty.length) - 1) expect(found).toEqual(all)
        // what is written next is not mixed up with what was torn
        await again.write({
          entries: entriesFrom(found.length + 1, 2, 2, 90),
          hardState: { term: 2, vote: 0, commit: 0 },
        })
        disk.crash()
        expect((await openOn(disk)).lastIndex()).toBe(found.length + 2)
      }
    }
  })

  it('is cut or reported, at every byte, and never read as something else', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true })
    await log.write({ entries: entriesFrom(1, 2, 1, 77), hardState: { term: 1, vote: 0, commit: 0 } })
    const path = 'data/log/wal-000000000001'
    const before = filesOf(files).get(path) as Uint8Array
    const acknowledged = contentOf(log).entries
    await log.write({ entries: entriesFrom(3, 1, 1, 1300) })
    const image = filesOf(files)
    const after = image.get(path) as Uint8Array
    const start = Math.ceil((before.findLastIndex((byte) => byte !== 0) + 1) / 8) * 8
    const end = after.findLastIndex((byte) => byte !== 0) + 1
    const wrong: number[] = []
    for (let at = start; at < end; at++) {
      const torn = after.slice().fill(0, at)
      const found = await outcome(new Map([...image, [path, torn]]))
      const sectorsMissing = Math.floor((Math.ceil(end / sector) * sector - at) / sector)
      // a header that is half in one sector was not torn by a crash: sectors are written whole
      const whole = at === start || at >= start + 72
      const right = found === undefined ? !whole || sectorsMissing === 0 : same(found.entries, acknowledged)
      if (!right) wrong.push(at)
    }
    expect(wrong).toEqual([])
  })

  it('is told from damage even when its data is full of zeros', async () => {
    const zeros = { index: 1, term: 1, type: 'normal' as const, data: new Uint8Array(1500) }
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true })
    await log.write({ entries: [zeros], hardState: { term: 1, vote: 0, commit: 0 } })
    const image = filesOf(files)
    const path = 'data/log/wal-000000000001'
    const used = usedBytes(image, path)
    for (let at = sector; at < used; at += 3) {
      const flipped = changed(image, path, (copy) => copy.fill((copy[at] as number) ^ 0x20, at, at + 1))
      expect(await outcome(flipped), `byte ${at}`).toBeUndefined()
    }
  })
})
