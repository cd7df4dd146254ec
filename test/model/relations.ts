/** Comparisons of conditions. */

/** How a condition compares. */
export type Relation = 'eq' | 'ne' | 'lt' | 'gt'

/** Whether a relation holds. Values here are ASCII, so that their order is that of their bytes. */
export function related(left: number | string, relation: Relation, right: number | string): boolean {
  if (relation === 'eq') return left === right
  if (relation === 'ne') return left !== right
  return relation === 'lt' ? left < right : left > right
}
