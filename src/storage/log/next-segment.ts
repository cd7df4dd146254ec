/**
 * The file in which a log goes on: zeroed ahead of its use, so that no write waits for it, and made of a segment that is no longer
 * needed if there is one.
 */
import type { FileHandle, Files } from '../../../base/index.ts'
import { isNitroError } from '../../../base/index.ts'
import { sectorBytes } from './bytes.ts'
import { prepareSegment, segmentName } from './segment.ts'

/** A file of zeros under the temporary name. */
export interface Prepared {
  readonly file: FileHandle
  readonly capacity: number
}

/** Where segments lie, and how large they are. */
export interface SegmentPlaceOptions {
  readonly files: Files
  readonly directory: string
  readonly segmentBytes: number
}

/** Prepares one segment at a time. */
export class NextSegment {
  private readonly options: SegmentPlaceOptions
  private readonly failed: (error: unknown) => void
  private prepared: Promise<Prepared | undefined> | undefined
  /** The name of a segment that is not part of the log any more, as the witness says durably. */
  private used: string | undefined

  constructor(options: SegmentPlaceOptions, failed: (error: unknown) => void) {
    this.options = options
    this.failed = failed
  }

  /** Begins to prepare a file, if none is under way. */
  prepare(): void {
    const { segmentBytes: capacity } = this.options
    this.prepared ??= this.make(capacity).then(
      (file) => ({ file, capacity }),
      (error: unknown) => {
        // a full disk may be emptied before the segment is needed; anything else is the end
        if (!isNitroError(error, 'DiskFull')) this.failed(error)
        return undefined
      },
    )
  }

  /** What is being prepared; undefined if nothing is, or if it failed. The caller's from now on. */
  async take(): Promise<Prepared | undefined> {
    const prepared = await this.prepared
    this.prepared = undefined
    return prepared
  }

  /** The prepared file if it takes `size` bytes, else one of that size. */
  async fit(prepared: Prepared | undefined, size: number): Promise<Prepared> {
    if (prepared !== undefined && prepared.capacity >= size) return prepared
    await prepared?.file.close()
    const capacity = Math.max(this.options.segmentBytes, Math.ceil(size / sectorBytes) * sectorBytes)
    return { file: await this.make(capacity), capacity }
  }

  /** Removes segments that the witness durably says are not part of the log; one may be kept for its file. */
  async discard(sequences: readonly number[]): Promise<void> {
    const { files, directory } = this.options
    for (const sequence of sequences) {
      const name = segmentName(sequence)
      if (this.used === undefined) this.used = name
      else await files.remove(`${directory}/${name}`)
    }
  }

  private make(capacity: number): Promise<FileHandle> {
    const { files, directory } = this.options
    const { used } = this
    this.used = undefined
    return prepareSegment(files, directory, capacity, used)
  }
}
