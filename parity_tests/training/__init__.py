"""What happens over many steps: optimisers, schedules, trajectories, loops."""
