"""Use cases: one public function or class per thing a person does."""
