"""The laws: how loss, light, memories and swaps become rate and fidelity.

Every function is pure: numbers or one catalog record in, numbers out. `performance.evaluate_route` is the one verb
that the design and the verification call; the other modules hold one phenomenon each.

fiber          loss, delay and timing of deployed fiber
freespace      loss of a free-space hop
coexistence    Raman noise of classical channels in the same fiber
photon         energy of light
pair_source    entangled-pair sources without memory
hub            one source for many users: broadcast and switching
heralded       single-click, double-click and other heralded links
arm            arms and links as values; what all links ask of an arm
source_links   a pair source in the middle: two users, many users, absorbing memories
memory_links   memories that emit: two photons, one photon, one photon sent all the way
links          `LINK_MODELS`: each way of making an elementary link
memory         what storage does to an entangled pair
chains         waiting times and storage of a chain of links
gaussian       the same for memories with Gaussian decay
schedules      chains whose swaps may fail
cutoff         two links with a maximum storage time
distillation   two pairs into one better pair
distilled_links  links whose pairs are distilled before they are swapped
delivery       a chain of links under the better of its schedules
service        fidelity to ebits and key; the bound that no plan may exceed
availability   share of the time in which a service works
performance    rate, fidelity and key of a whole route
budget         a route, step by step
budget_rows    the lines of it
experiments    published experiments: inputs, figures, tolerances
validation     the same experiments by these models
"""
