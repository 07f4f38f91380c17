/** Every hostile plan. */
import type { Plan } from '../plan.ts'
import type { World } from '../world.ts'
import { encodingPlans, splittingPlans } from './encodings.ts'
import { destinationPlans } from './destinations.ts'
import { longPlans, loopPlans, schedulingPlans } from './endurance.ts'
import { credentialPlans, filePlans, networkPlans, writePlans } from './inside.ts'
import { launderingPlans } from './laundering.ts'
import { liePlans, questionPlans } from './lies.ts'
import { lookalikePlans } from './lookalikes.ts'
import { replyPlans } from './replies.ts'
import { messagePlans, programPlans } from './sinks.ts'

export function hostilePlans(world: World): readonly Plan[] {
  return [
    destinationPlans,
    launderingPlans,
    encodingPlans,
    splittingPlans,
    lookalikePlans,
    liePlans,
    replyPlans,
    questionPlans,
    schedulingPlans,
    longPlans,
    loopPlans,
    credentialPlans,
    filePlans,
    networkPlans,
    writePlans,
    messagePlans,
    programPlans,
  ].flatMap((plans) => plans(world))
}
