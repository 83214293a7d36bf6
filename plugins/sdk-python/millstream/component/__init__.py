"""The side of WebAssembly: the exports of a component, and its closed world.

Only `millstream plugin build` imports these modules, in the interpreter that
becomes the component. The author's code is imported at build time; what is in
memory then is where every instance starts.
"""
