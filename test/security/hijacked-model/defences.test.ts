/** The same plans with their defence taken out of the pipeline: each must succeed, or it would prove nothing. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { hostilePlans } from './plans/all.ts'
import { runPlan } from './run-plan.ts'
import { startWorld } from './world.ts'

const world = await startWorld()
after(() => world[Symbol.asyncDispose]())

describe('without its defence', () => {
  for (const plan of hostilePlans(world)) {
    it(`${plan.class}: ${plan.name} succeeds`, async () => {
      assert.notDeepEqual((await runPlan(plan, world, plan.without)).breaches, [], `harmless even without ${plan.without.join(' and ')}`)
    })
  }
})
