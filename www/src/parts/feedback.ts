/** Sound and vibration of moves: made here, without any file. */

/** What happened: a piece was put down, one was taken, or the game ended. */
export type Happening = "move" | "capture" | "end";

/** Vibration in milliseconds, with pauses between. */
const PATTERNS: Record<Happening, number[]> = { move: [12], capture: [12, 40, 18], end: [30, 60, 30] };

/** Strokes of a sound: when it begins in seconds, and its loudness. */
const STROKES: Record<Happening, readonly (readonly [at: number, loudness: number])[]> = {
  move: [[0, 0.5]],
  capture: [[0, 0.35], [0.075, 0.6]],
  end: [[0, 0.4], [0.16, 0.4], [0.32, 0.5]],
};

export const canVibrate = (): boolean => typeof navigator.vibrate === "function";

export class Feedback {
  /** Made with the first sound, which follows a gesture of the user: browsers keep silent before one. */
  #context: AudioContext | null = null;
  #noise: AudioBuffer | null = null;

  /** Sounds and vibrates as the settings ask. */
  give(happening: Happening, { sound, haptics }: { sound: boolean; haptics: boolean }): void {
    if (haptics && canVibrate()) navigator.vibrate(PATTERNS[happening]);
    if (sound) void this.#play(happening);
  }

  async #play(happening: Happening): Promise<void> {
    try {
      const context = (this.#context ??= new AudioContext());
      if (context.state === "suspended") await context.resume();
      for (const [at, loudness] of STROKES[happening]) this.#knock(context, context.currentTime + at, loudness);
    } catch {
      // A device without a sound output stays silent.
    }
  }

  /** A piece set down on a thick board: the click of the edge, and the wood that answers. */
  #knock(context: AudioContext, time: number, loudness: number): void {
    const out = context.createGain();
    out.gain.value = loudness;
    out.connect(context.destination);
    const fading = (seconds: number, peak: number): GainNode => {
      const gain = context.createGain();
      gain.gain.setValueAtTime(peak, time);
      gain.gain.exponentialRampToValueAtTime(0.0001, time + seconds);
      gain.connect(out);
      return gain;
    };
    const click = context.createBufferSource();
    click.buffer = this.#noise ??= noise(context);
    const band = context.createBiquadFilter();
    Object.assign(band, { type: "bandpass" });
    band.frequency.value = 2400;
    band.Q.value = 1.2;
    click.connect(band).connect(fading(0.045, 1));
    click.start(time);
    for (const [frequency, seconds, peak] of [[920, 0.06, 0.45], [430, 0.09, 0.5], [190, 0.12, 0.35]] as const) {
      const body = context.createOscillator();
      body.frequency.setValueAtTime(frequency, time);
      body.frequency.exponentialRampToValueAtTime(frequency * 0.8, time + seconds);
      body.connect(fading(seconds, peak));
      body.start(time);
      body.stop(time + seconds);
    }
  }
}

/** A tenth of a second of noise from fixed numbers: every stroke is the same. */
function noise(context: AudioContext): AudioBuffer {
  const buffer = context.createBuffer(1, Math.ceil(context.sampleRate / 10), context.sampleRate);
  const samples = buffer.getChannelData(0);
  let state = 1;
  for (let at = 0; at < samples.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    samples[at] = state / 0x80000000;
  }
  return buffer;
}
