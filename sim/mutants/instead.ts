// Puts methods of production classes aside for the length of one life: for bugs in what a class decides.
//
// A life is lived in one go, so nothing else meets the other methods, and they are put back however it ends. None of this
// is in the published build, which knows nothing of the simulator.

/** Puts one thing in place of another; what it answers undoes that. */
type Replacement = () => () => void;

export const instead =
  (...replacements: readonly Replacement[]): Replacement =>
  () => {
    const undo = replacements.map((replace) => replace());
    return () => {
      for (const putBack of undo.reverse()) putBack();
    };
  };

/** Another method; `make` is given the true one. It is called on its object as the true one would be. */
export const method =
  <Owner extends object, Name extends keyof Owner>(
    owner: Owner,
    name: Name,
    make: (real: Owner[Name]) => Owner[Name],
  ): Replacement =>
  () => {
    const real = owner[name];
    owner[name] = make(real);
    return () => {
      owner[name] = real;
    };
  };

/** Another answer of a getter; `change` is given the true one and the object. */
export const getter =
  <Owner extends object, Name extends keyof Owner & string>(
    owner: Owner,
    name: Name,
    change: (real: Owner[Name], self: Owner) => Owner[Name],
  ): Replacement =>
  () => {
    const descriptor = Object.getOwnPropertyDescriptor(owner, name);
    const real = descriptor?.get as ((this: Owner) => Owner[Name]) | undefined;
    if (descriptor === undefined || real === undefined) throw new Error(`${name} is no getter`);
    Object.defineProperty(owner, name, {
      ...descriptor,
      get(this: Owner) {
        return change(real.call(this), this);
      },
    });
    return () => {
      Object.defineProperty(owner, name, descriptor);
    };
  };
