/**
 * Who owns what: a function of members and items alone, so all members find the same.
 *
 * Rendezvous hashing with a bound: each item goes to the member that it weighs most with among those that have room. Loads differ
 * by one at most, and when a member comes or goes, most items stay where they are.
 */

/** The items of each member. Members are numbers, each once. */
export function sharesOf(members: readonly number[], items: readonly string[]): Map<number, Set<string>> {
  const shares = new Map(members.map((member) => [member, new Set<string>()]))
  const all = [...new Set(items)].sort()
  // So many may hold one more than the rest.
  const base = Math.floor(all.length / Math.max(1, members.length))
  let extra = all.length - base * members.length
  for (const item of all) {
    let best: number | undefined
    let bestWeight = -1
    for (const [member, share] of shares) {
      const room = base + (extra > 0 ? 1 : 0)
      if (share.size >= room) continue
      const weight = weightOf(member, item)
      if (weight > bestWeight || (weight === bestWeight && member < (best ?? Infinity))) {
        best = member
        bestWeight = weight
      }
    }
    if (best === undefined) continue
    const share = shares.get(best) as Set<string>
    share.add(item)
    if (share.size === base + 1) extra--
  }
  return shares
}

/** FNV-1a over both, and a finish that spreads it. */
function weightOf(member: number, item: string): number {
  let hash = 0x811c9dc5
  const text = `${member} ${item}`
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
