"""Key logs, key schedules, record protection, and what they prove."""
