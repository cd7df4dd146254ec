/** The script of the test page: leaves the outcome where the test finds it. */
import { runScenario } from './scenario.ts'

interface Page {
  readonly document: { readonly body: { textContent: string } }
}

const { body } = (globalThis as unknown as Page).document
try {
  body.textContent = JSON.stringify(runScenario())
} catch (error) {
  body.textContent = `failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
