"""What training strategies share: their settings, the rows as Axolotl reads them, the job, the memory it needs."""
