/** Sums a CPU profile up: by stage and by function. */
import { present } from '../../base/index.ts'
import type { CpuProfile, ProfileNode } from './inspector.ts'
import { fileOf, outside, stageOf } from './stages.ts'

/** Time of one function itself, all its places in the call tree together. */
export interface FunctionTime {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly selfUs: number
}

/** Where the time went, in microseconds. */
export interface ProfileSummary {
  /** Without idle time. */
  readonly busyUs: number
  readonly idleUs: number
  readonly byStage: ReadonlyMap<string, number>
  /** By project file, each with what it called outside the project. */
  readonly byFile: ReadonlyMap<string, number>
  /** Functions with the most time of their own first. */
  readonly functions: readonly FunctionTime[]
}

/** Reads a profile. */
export function summarize(profile: CpuProfile): ProfileSummary {
  const self = selfTimes(profile)
  const byStage = new Map<string, number>()
  const byFile = new Map<string, number>()
  const functions = new Map<string, FunctionTime>()
  let busyUs = 0
  let idleUs = 0
  walk(profile, (node, stage, file) => {
    const selfUs = self.get(node.id) ?? 0
    if (selfUs === 0) return
    const { functionName, lineNumber } = node.callFrame
    if (functionName === '(idle)') {
      idleUs += selfUs
      return
    }
    busyUs += selfUs
    byStage.set(stage, (byStage.get(stage) ?? 0) + selfUs)
    byFile.set(file, (byFile.get(file) ?? 0) + selfUs)
    const own = fileOf(node)
    const key = `${functionName} ${own} ${lineNumber}`
    const before = functions.get(key)?.selfUs ?? 0
    functions.set(key, { name: functionName, file: own, line: lineNumber + 1, selfUs: before + selfUs })
  })
  const sorted = [...functions.values()].sort((a, b) => b.selfUs - a.selfUs)
  return { busyUs, idleUs, byStage, byFile, functions: sorted }
}

function selfTimes({ samples, timeDeltas }: CpuProfile): Map<number, number> {
  const self = new Map<number, number>()
  // a sample's node ran until the next sample
  for (let at = 0; at + 1 < samples.length; at++) {
    const id = samples[at] as number
    self.set(id, (self.get(id) ?? 0) + Math.max(0, timeDeltas[at + 1] as number))
  }
  return self
}

type Visit = (node: ProfileNode, stage: string, file: string) => void

/** Visits every node with the stage and the project file it is charged to. */
function walk({ nodes }: CpuProfile, visit: Visit): void {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const descend = (node: ProfileNode, callerStage: string, callerFile: string): void => {
    const special = specialStage(node.callFrame.functionName)
    const own = fileOf(node)
    const stage = special ?? stageOf(node) ?? callerStage
    const file = special ?? (/^(?:consensus|crdt|execution|net|src)\//.test(own) ? own : callerFile)
    visit(node, stage, file)
    for (const child of node.children ?? []) descend(present(byId.get(child), 'a child in the profile'), stage, file)
  }
  descend(present(nodes[0], 'the root of the profile'), outside.node, outside.node)
}

function specialStage(functionName: string): string | undefined {
  if (functionName === '(garbage collector)') return outside.collector
  return functionName === '(program)' ? outside.program : undefined
}
