/** The typed interfaces over an engine: the key-value store and calls of programs. */
export { createPrograms } from './programs.ts'
export { createStore } from './store.ts'
