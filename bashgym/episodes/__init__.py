"""Tasks as environments for reinforcement learning: Gymnasium's interface, and those of frameworks around it.

from bashgym.episodes.bash import BashEnv
env = BashEnv(tasks.read(Path("tasks.jsonl")), turns=10)
observation, info = env.reset(seed=1)
observation, reward, terminated, truncated, info = env.step("ls -la")
"""
