import { expect, test } from 'vitest'
import { systemScheduler } from '../../base/index.ts'

test('the end of a task comes when no promise is left to settle, and before the end of the turn', async () => {
  const order: string[] = []
  await new Promise<void>((resolve) => {
    systemScheduler.endOfTurn(() => {
      systemScheduler.endOfTurn(() => {
        order.push('turn')
        resolve()
      })
      systemScheduler.endOfTask?.(() => void order.push('task'))
      void (async (): Promise<void> => {
        for (let i = 0; i < 5; i++) await Promise.resolve()
        order.push('promises')
      })()
    })
  })
  expect(order).toEqual(['promises', 'task', 'turn'])
})
