/**
 * What clients that lock and elect do and are told: the material of the checkers of sync. Each acquisition has a label of its own, which
 * the cluster keeps with it, so what a client says can be found in the log.
 */
import type { HoldState } from '../../../api/index.ts'

/** What an acquisition came to. `failed` is a request without an answer, with the error's code. */
export type AcquireOutcome =
  | { readonly how: 'granted'; readonly token: number }
  | { readonly how: 'refused' | 'timed out' | 'cancelled' | 'session lost' }
  | { readonly how: 'failed'; readonly code: string }

/** An acquisition begins. */
export interface AcquireBegan {
  readonly kind: 'acquire began'
  readonly client: string
  readonly label: string
  /** As {@link Acquisition.resource} in the log. */
  readonly resource: string
}

/** It was answered, or given up. */
export interface AcquireEnded {
  readonly kind: 'acquire ended'
  readonly client: string
  readonly label: string
  readonly outcome: AcquireOutcome
}

/** A holder looked at what it holds, in a turn of its event loop that no other look shares. */
export interface HolderStep {
  readonly kind: 'holder step'
  readonly client: string
  readonly label: string
  readonly resource: string
  readonly token: number
  readonly state: HoldState
  readonly signalled: boolean
}

/** A guarded write was answered. `state` is what its holder read then. */
export interface GuardAnswered {
  readonly kind: 'guard answered'
  readonly client: string
  readonly label: string
  readonly resource: string
  readonly token: number
  readonly accepted: boolean
  readonly state: HoldState
}

/** The holder gives it back now, or its client takes it for lost: whatever follows is the affair of the cluster. */
export interface GivenBack {
  readonly kind: 'given back'
  readonly client: string
  readonly label: string
}

/** An observer was shown who leads. Observers count from one. */
export interface Observed {
  readonly kind: 'observed'
  readonly client: string
  readonly observer: string
  readonly resource: string
  readonly leader: { readonly token: number; readonly value: string } | undefined
}

/** A client's process is gone, and with it whatever it did. */
export interface ClientOver {
  readonly kind: 'client over'
  readonly client: string
}

/** Something that a client did with locks and elections, or was told. */
export type SyncFact = AcquireBegan | AcquireEnded | HolderStep | GuardAnswered | GivenBack | Observed | ClientOver
