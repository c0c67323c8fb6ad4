"""The demo: a made-up bank app's story, and a small store on loopback that serves it in the real formats."""
