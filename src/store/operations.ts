/** Operations of transactions. What they take is checked and copied at once; they may be used in several transactions. */
import { NitroError } from '../../base/index.ts'
import type { KeyRange as CodedRange, OperationAnswer } from '../../execution/codec.ts'
import type {
  BytesLike,
  DeleteOpResult,
  GetOpResult,
  KeyRange,
  Op,
  PutOpResult,
  RangeOpResult,
  RangeQuery,
  WriteOptions,
} from '../api/index.ts'
import { entriesOf, entryOf, pageOf } from './entry.ts'
import { checkNumber, codedRange, keyBytes, putOperation, rangeRequest } from './input.ts'

/** Options of {@link put}. */
type PutOpOptions = Pick<WriteOptions, 'lease' | 'prev' | 'ignoreValue' | 'ignoreLease'>

/** Writes a key. Throws `KeyTooLarge`, `ValueTooLarge`, `InvalidArgument`. */
export function put(key: BytesLike, value: BytesLike, options: PutOpOptions = {}): Op<PutOpResult> {
  const operation = putOperation(key, value, options)
  const own = { key: new Uint8Array(operation.key), value: new Uint8Array(operation.value) }
  return {
    operation: { ...operation, ...own },
    result: (answer) => ({ previous: entryOf(expected(answer, 'put').previous) }),
  }
}

/** Deletes one key, or all keys of a range; deleting everything is `del({})`. Throws `KeyTooLarge`, `InvalidArgument`. */
export function del(
  target: BytesLike | KeyRange,
  options: { readonly prev?: boolean | undefined } = {},
): Op<DeleteOpResult> {
  const isKey = typeof target === 'string' || target instanceof Uint8Array
  const range = ownRange(isKey ? { start: keyBytes(target) } : codedRange(target))
  return {
    operation: { kind: 'delete', range, prevKv: options.prev === true },
    result: (answer) => {
      const { deleted, previous } = expected(answer, 'delete')
      return { deleted, previous: entriesOf(previous) }
    },
  }
}

/** Reads one key. Throws `KeyTooLarge`, `InvalidArgument`. */
export function get(key: BytesLike, options: { readonly revision?: number | undefined } = {}): Op<GetOpResult> {
  const request = { ...ownRange({ start: keyBytes(key) }), revision: checkNumber(options.revision, 'revision') }
  return {
    operation: { kind: 'range', request },
    result: (answer) => entryOf(expected(answer, 'range').records[0]),
  }
}

/** Reads a range; with a revision the past, without what the transaction has changed. Throws as `Store.range`. */
export function range(query: RangeQuery = {}): Op<RangeOpResult> {
  const request = rangeRequest(query)
  return {
    operation: { kind: 'range', request: { ...request, ...ownRange(request) } },
    result: (answer) => pageOf(expected(answer, 'range')),
  }
}

/** The answer, which is of this kind unless the other side does not follow the protocol. Throws `MalformedFrame`. */
export function expected<Kind extends OperationAnswer['kind']>(
  answer: OperationAnswer,
  kind: Kind,
): Extract<OperationAnswer, { readonly kind: Kind }> {
  if (answer.kind === kind) return answer as Extract<OperationAnswer, { readonly kind: Kind }>
  throw new NitroError('MalformedFrame', `the answer of a ${kind} is one of a ${answer.kind}`)
}

function ownRange({ start, end, fromKey }: CodedRange): CodedRange {
  return { start: new Uint8Array(start), end: end && new Uint8Array(end), fromKey }
}
